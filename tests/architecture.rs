//! The house, kept by tests: which room may use which, front doors, documentation, length, purity,
//! and the gate. `src/manual/architecture.rs` says why.
//!
//! Every check is a function from sources to complaints. It is run over all of `src`, and over small
//! inline sources that it must complain about.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use syn::{
    Attribute, FnArg, Item, ItemFn, ItemMod, ItemStatic, ItemUse, Macro, Type, UseTree, Visibility,
    visit::{self, Visit},
};

/// What each room may use. From top to bottom: a room uses only rooms above it.
const ROOMS: [(&str, &[&str]); 12] = [
    ("base", &[]),
    ("engine", &["base"]),
    ("domain", &["base", "engine"]),
    ("config", &["base", "engine", "domain"]),
    ("telemetry", &["base", "engine", "domain", "config"]),
    ("store", &["base", "engine", "domain"]),
    ("data_plane", &["base", "engine", "domain", "config", "telemetry"]),
    ("control_plane", &["base", "engine", "domain", "config", "telemetry", "store"]),
    ("app", &["base", "engine", "domain", "config", "telemetry", "store", "data_plane", "control_plane"]),
    ("cli", &["base", "engine", "domain", "config", "telemetry", "store", "data_plane", "control_plane", "app"]),
    ("main", &["app", "cli"]),
    ("manual", &[]),
];

/// Rooms without sockets, files, clocks and global state.
const PURE: [&str; 3] = ["base", "engine", "domain"];

/// The folders of a room, from top to bottom: a folder uses only folders above it.
const FOLDERS: [(&str, &[&str]); 2] = [
    ("engine", &["coding", "text", "matcher", "rules", "body_filter"]),
    ("domain", &["acme", "tabular", "registry", "record", "standing", "incident", "report", "message", "policy"]),
];

/// What a folder uses of one below it, against the order. This list may only shrink.
const UPWARD: [(&str, &str); 2] =
    [("engine::rules", "engine::body_filter::Judgement"), ("domain::message", "domain::policy::Reason")];

const LINES_MAX: usize = 600;
const LINES_MEDIAN_MAX: usize = 250;

// ---------------------------------------------------------------------------------------------
// The checks, over all of src.

#[test]
fn a_room_uses_only_the_rooms_above_it() {
    none(check_arrows(&house()));
}

#[test]
fn no_rooms_use_each_other_in_a_circle() {
    none(check_room_circles(&house()));
}

#[test]
fn a_folder_uses_only_the_folders_above_it() {
    none(check_folders(&house(), &UPWARD));
}

#[test]
fn rooms_are_entered_by_their_front_doors() {
    none(check_doors(&house()));
}

#[test]
fn every_file_begins_with_what_it_is_for() {
    none(check_documentation(&house()));
}

#[test]
fn every_file_is_part_of_the_crate() {
    none(check_dead_files(&house()));
}

#[test]
fn files_are_short() {
    let house = house();
    println!("median length of a file: {} lines", median(&house));
    none(check_length(&house));
}

#[test]
fn pure_rooms_have_no_socket_no_file_no_clock_and_no_global_state() {
    none(check_purity(&house()));
}

#[test]
fn what_the_manual_names_exists() {
    let mut tests = BTreeMap::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    read(&root, &root, &mut tests);
    none(check_manual(&house(), &tests));
}

#[test]
fn an_origin_is_reached_only_with_a_permit() {
    none(check_permit(&house()));
}

fn none(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

// ---------------------------------------------------------------------------------------------
// The sources.

/// All modules that are reachable from lib.rs and main.rs, and all files that are there.
struct House {
    modules: Vec<Module>,
    files: BTreeMap<String, String>,
}

struct Module {
    /// Relative to src.
    file: String,
    /// `["engine", "text"]`; lib.rs is `[]`, main.rs is `["main"]`.
    path: Vec<String>,
    /// As its parent declares it.
    door: Door,
    in_test: bool,
    syntax: syn::File,
}

#[derive(Clone, Copy, PartialEq)]
enum Door {
    Public,
    Private,
    /// `pub(crate) mod` and its like.
    Side,
}

/// A path in a module's code.
struct Use {
    /// Absolute, without `crate`.
    to: Vec<String>,
    in_test: bool,
    glob: bool,
    /// `pub use`, of any width.
    shown: bool,
}

fn house() -> House {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    read(&root, &root, &mut files);
    House::build(files)
}

fn read(root: &Path, directory: &Path, files: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
            files.insert(name, text);
        }
    }
}

/// A house of inline sources.
fn model(files: &[(&str, &str)]) -> House {
    House::build(files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
}

impl House {
    fn build(files: BTreeMap<String, String>) -> Self {
        let mut house = Self { modules: Vec::new(), files };
        for (file, path) in [("lib.rs", vec![]), ("main.rs", vec!["main".to_owned()])] {
            if house.files.contains_key(file) {
                house.enter(file.to_owned(), path, Door::Public, false);
            }
        }
        house
    }

    fn enter(&mut self, file: String, path: Vec<String>, door: Door, in_test: bool) {
        let syntax = syn::parse_file(&self.files[&file]).unwrap_or_else(|error| panic!("{file}: {error}"));
        let directory = match file.rsplit_once('/') {
            Some((directory, "mod.rs")) => format!("{directory}/"),
            None if matches!(&*file, "lib.rs" | "main.rs") => String::new(),
            Some(_) | None => format!("{}/", file.trim_end_matches(".rs")),
        };
        for item in &syntax.items {
            let Item::Mod(ItemMod { ident, content: None, vis, attrs, .. }) = item else { continue };
            let door = match vis {
                Visibility::Public(_) => Door::Public,
                Visibility::Restricted(_) => Door::Side,
                Visibility::Inherited => Door::Private,
            };
            let candidates = [format!("{directory}{ident}.rs"), format!("{directory}{ident}/mod.rs")];
            if let Some(inner) = candidates.into_iter().find(|name| self.files.contains_key(name)) {
                let path = path.iter().cloned().chain([ident.to_string()]).collect();
                self.enter(inner, path, door, in_test || is_test(attrs));
            }
        }
        self.modules.push(Module { file, path, door, in_test, syntax });
    }

    /// The module that a path leads to or through, the longest.
    fn module(&self, path: &[String]) -> Option<&Module> {
        (0..=path.len()).rev().find_map(|length| self.modules.iter().find(|module| module.path == path[..length]))
    }
}

impl Module {
    fn room(&self) -> &str {
        self.path.first().map_or("lib", String::as_str)
    }

    fn uses(&self) -> Vec<Use> {
        let mut uses = Uses { path: self.path.clone(), in_test: self.in_test, found: Vec::new() };
        uses.visit_file(&self.syntax);
        uses.found
    }
}

fn is_test(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| {
        attr.path().is_ident("cfg") && attr.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

struct Uses {
    path: Vec<String>,
    in_test: bool,
    found: Vec<Use>,
}

impl Uses {
    /// Notes a path that begins with `crate`, `self` or `super` (in main.rs with `zhamen`).
    fn note(&mut self, segments: &[String], glob: bool, shown: bool) {
        let from_root = self.path.first().is_some_and(|room| room == "main") && segments[0] == "zhamen";
        let mut to = match &*segments[0] {
            "crate" => Vec::new(),
            _ if from_root => Vec::new(),
            "self" | "super" => self.path.clone(),
            _ => return,
        };
        for (index, segment) in segments.iter().enumerate() {
            match &**segment {
                "super" => drop(to.pop()),
                "self" => {}
                _ if index == 0 => {}
                name => to.push(name.to_owned()),
            }
        }
        if segments.len() > 1 {
            self.found.push(Use { to, in_test: self.in_test, glob, shown });
        }
    }

    fn tree(&mut self, tree: &UseTree, before: &mut Vec<String>, shown: bool) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(&path.tree, before, shown);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before, shown)),
            UseTree::Glob(_) => self.note(before, true, shown),
            UseTree::Name(name) => self.leaf(&name.ident, before, shown),
            UseTree::Rename(rename) => self.leaf(&rename.ident, before, shown),
        }
    }

    fn leaf(&mut self, ident: &syn::Ident, before: &[String], shown: bool) {
        let segments: Vec<String> = before.iter().cloned().chain([ident.to_string()]).collect();
        self.note(&segments, false, shown);
    }

    fn tokens(&mut self, tokens: &str) {
        // A token stream prints its tokens with spaces between them.
        let words: Vec<&str> = tokens.split(|c: char| c.is_whitespace() || "(){}[],;<>&".contains(c)).collect();
        for path in words.join(" ").replace(" :: ", "::").split(' ') {
            let segments: Vec<String> = path.split("::").map(str::to_owned).collect();
            if segments.len() > 1 && segments.iter().all(|segment| syn::parse_str::<syn::PathSegment>(segment).is_ok())
            {
                self.note(&segments, false, false);
            }
        }
    }

    fn within(&mut self, attrs: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let before = self.in_test;
        self.in_test |= is_test(attrs);
        visit(self);
        self.in_test = before;
    }
}

impl<'a> Visit<'a> for Uses {
    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        self.within(&item.attrs, |uses| {
            uses.path.push(item.ident.to_string());
            visit::visit_item_mod(uses, item);
            uses.path.pop();
        });
    }

    fn visit_item_fn(&mut self, item: &'a ItemFn) {
        self.within(&item.attrs, |uses| visit::visit_item_fn(uses, item));
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        let shown = !matches!(item.vis, Visibility::Inherited);
        self.within(&item.attrs, |uses| uses.tree(&item.tree, &mut Vec::new(), shown));
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note(&segments, false, false);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'a Macro) {
        self.tokens(&item.tokens.to_string());
        visit::visit_macro(self, item);
    }
}

// ---------------------------------------------------------------------------------------------
// (a), (b): arrows and circles.

fn check_arrows(house: &House) -> Vec<String> {
    let mut complaints = BTreeSet::new();
    for module in house.modules.iter().filter(|module| !module.path.is_empty()) {
        let room = module.room();
        let Some((_, may_use)) = ROOMS.iter().find(|(name, _)| *name == room) else {
            complaints.insert(format!("{}: {room} is not a room; add it to ROOMS with what it may use", module.file));
            continue;
        };
        for used in module.uses() {
            let Some(to) = used.to.first().filter(|to| *to != room) else { continue };
            if !may_use.contains(&to.as_str()) {
                complaints.insert(format!("{}: {room} must not use {}", module.file, used.to.join("::")));
            }
        }
    }
    complaints.into_iter().collect()
}

type Graph = BTreeMap<String, BTreeSet<String>>;

fn check_room_circles(house: &House) -> Vec<String> {
    let mut graph = Graph::new();
    for module in &house.modules {
        let reached = module.uses().into_iter().filter_map(|used| used.to.first().cloned());
        graph.entry(module.room().to_owned()).or_default().extend(reached.filter(|to| to != module.room()));
    }
    circles(&graph).iter().map(|circle| format!("in a circle: {}", circle.join(", "))).collect()
}

/// Arrows between folders of one room, outside of tests.
fn check_folders(house: &House, upward: &[(&str, &str)]) -> Vec<String> {
    let place = |path: &[String]| {
        let (_, folders) = FOLDERS.iter().find(|(room, _)| *room == path[0])?;
        folders.iter().position(|folder| Some(*folder) == path.get(1).map(String::as_str))
    };
    let mut found = BTreeSet::new();
    for module in house.modules.iter().filter(|module| !module.path.is_empty()) {
        let Some(from) = place(&module.path) else { continue };
        for used in module.uses().iter().filter(|used| !used.in_test && used.to.first() == module.path.first()) {
            if place(&used.to).is_some_and(|to| to > from) {
                found.insert((module.path[..2].join("::"), used.to.join("::")));
            }
        }
    }
    let is_known = |from: &str, to: &str| upward.contains(&(from, to));
    let new = found.iter().filter(|(from, to)| !is_known(from, to));
    let gone = upward.iter().filter(|(from, to)| !found.contains(&((*from).to_owned(), (*to).to_owned())));
    new.map(|(from, to)| format!("{from} must not use {to}, which is below it"))
        .chain(gone.map(|(from, to)| format!("{from} no longer uses {to}: take it off the list")))
        .collect()
}

/// Sets of nodes that all reach each other; each sorted.
fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let reachable = |from: &String| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(node) = next.pop() {
            next.extend(graph.get(&node).into_iter().flatten().filter(|to| seen.insert((*to).clone())).cloned());
        }
        seen
    };
    let reach: BTreeMap<&String, BTreeSet<String>> = graph.keys().map(|node| (node, reachable(node))).collect();
    let circle = |node: &String| {
        let mutual = reach.iter().filter(|(other, from)| from.contains(node) && reach[node].contains(**other));
        mutual.map(|(other, _)| (*other).clone()).collect::<Vec<_>>()
    };
    let found: BTreeSet<Vec<String>> = graph.keys().map(circle).filter(|circle| !circle.is_empty()).collect();
    found.into_iter().collect()
}

// ---------------------------------------------------------------------------------------------
// (c): front doors.

/// A front door is a module that lib.rs or a mod.rs declares `pub mod`. What is behind it is private,
/// and shown by `pub use` in the same file. So:
///
/// 1. `pub mod` stands in lib.rs and mod.rs only, and nothing is `pub(crate) mod` or `pub(in …) mod`;
/// 2. a path into another room goes through `pub mod`s only, and is no glob;
/// 3. a room shows only its own things, so that nothing is reached by a way round.
fn check_doors(house: &House) -> Vec<String> {
    let mut complaints = BTreeSet::new();
    for module in &house.modules {
        let parent = &module.path[..module.path.len().saturating_sub(1)];
        let declared_in = house.module(parent).map_or("lib.rs", |parent| &parent.file);
        let at_a_door = declared_in == "lib.rs" || declared_in.ends_with("mod.rs");
        if module.door == Door::Side || (module.door == Door::Public && !at_a_door) {
            complaints.insert(format!("{declared_in}: {} is declared as a side door", module.path.join("::")));
        }
        for used in module.uses().iter().filter(|used| used.to.first().is_some_and(|to| to != module.room())) {
            let to = used.to.join("::");
            // The last name is an item's, which may be that of the module it comes from.
            let private = (1..used.to.len()).find(|&length| {
                let inner = house.modules.iter().find(|inner| inner.path == used.to[..length]);
                inner.is_some_and(|inner| inner.door != Door::Public)
            });
            if private.is_some() {
                complaints.insert(format!("{}: {to} goes past a front door", module.file));
            }
            if used.glob {
                complaints.insert(format!("{}: {to}::* takes in what nobody named", module.file));
            }
            if used.shown {
                complaints.insert(format!("{}: {to} is shown as if it were of this room", module.file));
            }
        }
    }
    complaints.into_iter().collect()
}

// ---------------------------------------------------------------------------------------------
// (d), (e), (f): files.

fn check_documentation(house: &House) -> Vec<String> {
    let sources = house.files.iter().filter(|(name, _)| name.ends_with(".rs"));
    sources
        .filter(|(_, text)| text.strip_prefix("//! ").is_none_or(|line| line.trim_start().len() <= 10))
        .map(|(name, _)| format!("{name}: begins without a `//!` line that says what the file is for"))
        .collect()
}

/// Sources that no `mod` leads to, and other files that nothing includes.
fn check_dead_files(house: &House) -> Vec<String> {
    let included = |name: &str| {
        house.modules.iter().any(|module| {
            let folder = module.file.rsplit_once('/').map_or("", |(folder, _)| folder);
            let path = relative(folder, name);
            let macros = [format!("include_str!(\"{path}\")"), format!("include_bytes!(\"{path}\")")];
            macros.iter().any(|text| house.files[&module.file].contains(text))
        })
    };
    let alive = |name: &str| house.modules.iter().any(|module| module.file == name) || included(name);
    house.files.keys().filter(|name| !alive(name)).map(|name| format!("{name}: nothing leads to this file")).collect()
}

/// The path of a file as it is written in a folder.
fn relative(folder: &str, file: &str) -> String {
    let common = folder.split('/').zip(file.split('/')).take_while(|(left, right)| left == right).count();
    let up = folder.split('/').filter(|part| !part.is_empty()).count() - common;
    let down = file.split('/').skip(common).collect::<Vec<_>>().join("/");
    format!("{}{down}", "../".repeat(up))
}

fn lengths(house: &House) -> Vec<(usize, &str)> {
    let sources = house.files.iter().filter(|(name, _)| name.ends_with(".rs"));
    let mut lengths: Vec<_> = sources.map(|(name, text)| (text.lines().count(), name.as_str())).collect();
    lengths.sort_unstable();
    lengths
}

fn median(house: &House) -> usize {
    let lengths = lengths(house);
    lengths[lengths.len() / 2].0
}

fn check_length(house: &House) -> Vec<String> {
    let too_long = lengths(house).into_iter().filter(|(lines, _)| *lines > LINES_MAX);
    let mut complaints: Vec<String> =
        too_long.map(|(lines, name)| format!("{name}: {lines} lines; at most {LINES_MAX}")).collect();
    if median(house) > LINES_MEDIAN_MAX {
        complaints.push(format!("the median file has {} lines; at most {LINES_MEDIAN_MAX}", median(house)));
    }
    complaints
}

// ---------------------------------------------------------------------------------------------
// (g): purity.

/// Complains about what a pure room must not mention outside of tests.
fn check_purity(house: &House) -> Vec<String> {
    let mut complaints = Vec::new();
    for module in house.modules.iter().filter(|module| PURE.contains(&module.room()) && !module.in_test) {
        let mut impure = Impure { found: BTreeSet::new() };
        impure.visit_file(&module.syntax);
        complaints.extend(impure.found.into_iter().map(|what| format!("{}: {what}", module.file)));
    }
    complaints
}

struct Impure {
    found: BTreeSet<String>,
}

impl Impure {
    fn path(&mut self, segments: &[String]) {
        let text: Vec<&str> = segments.iter().map(String::as_str).collect();
        let impure = match text.as_slice() {
            ["std", "fs" | "env" | "thread" | "process", ..] => true,
            ["std", "net", "IpAddr" | "Ipv4Addr" | "Ipv6Addr", ..] => false,
            ["std", "net", ..] => true,
            ["std", "time", "Instant" | "SystemTime", ..] => true,
            ["std", "sync", "LazyLock" | "OnceLock", ..] => true,
            ["std", "cell", "LazyCell" | "OnceCell", ..] => true,
            ["tokio" | "hyper" | "rustls", ..] => true,
            _ => false,
        };
        if impure {
            self.found.insert(text.join("::"));
        }
    }

    fn tree(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.tree(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.tree(tree, before)),
            UseTree::Glob(_) => self.path(before),
            UseTree::Name(syn::UseName { ident }) | UseTree::Rename(syn::UseRename { ident, .. }) => {
                before.push(ident.to_string());
                self.path(before);
                before.pop();
            }
        }
    }
}

impl<'a> Visit<'a> for Impure {
    fn visit_item(&mut self, item: &'a Item) {
        let attrs = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attrs) {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'a ItemUse) {
        self.tree(&item.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.path(&segments);
        visit::visit_path(self, path);
    }

    fn visit_item_static(&mut self, item: &'a ItemStatic) {
        // A table of plain data is no state; what changes, or might within, is.
        if !matches!(item.mutability, syn::StaticMutability::None) || !is_plain(&item.ty) {
            self.found.insert(format!("static {}", item.ident));
        }
        visit::visit_item_static(self, item);
    }

    fn visit_macro(&mut self, item: &'a Macro) {
        if item.path.segments.last().is_some_and(|last| last.ident == "thread_local") {
            self.found.insert("thread_local!".to_owned());
        }
        visit::visit_macro(self, item);
    }
}

/// Whether a type is an array, which is too large for a `const`, of nothing that changes within itself:
/// no cell, lock or atomic by its name.
fn is_plain(ty: &Type) -> bool {
    let mut within = vec![ty];
    while let Some(ty) = within.pop() {
        match ty {
            Type::Array(array) => within.push(&array.elem),
            Type::Tuple(tuple) => within.extend(&tuple.elems),
            Type::Path(path) => {
                let name = path.path.segments.last().map(|last| last.ident.to_string()).unwrap_or_default();
                let changes = ["Cell", "Lock", "Mutex", "Atomic", "Once"].iter().any(|kind| name.contains(kind));
                if changes {
                    return false;
                }
            }
            _ => return false,
        }
    }
    matches!(ty, Type::Array(_))
}

// ---------------------------------------------------------------------------------------------
// (i): the manual. Rustdoc checks its links; this checks the names that no link can lead to.

/// Names in backticks: files (`data_plane/session.rs`), tests and other functions with three or more
/// underscores, metrics (`zhamen_…`), and configuration keys (`limits.held`).
fn check_manual(house: &House, tests: &BTreeMap<String, String>) -> Vec<String> {
    let mut functions = BTreeSet::new();
    for text in house.files.values().chain(tests.values()) {
        let names = text.split("fn ").skip(1).filter_map(|rest| rest.split(['(', '<']).next());
        functions.extend(names.map(str::to_owned));
    }
    let empty = String::new();
    let metrics: String =
        house.files.iter().filter(|(file, _)| file.starts_with("telemetry/")).map(|(_, text)| text.as_str()).collect();
    let keys = keys(house.files.get("config/reference.toml").unwrap_or(&empty));
    let mut complaints = Vec::new();
    for (file, text) in house.files.iter().filter(|(file, _)| file.starts_with("manual/")) {
        for name in text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)) {
            let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let exists = if let Some((room, _)) = name.split_once('/').filter(|_| !name.contains([' ', '*'])) {
                let is_place = ROOMS.iter().any(|(known, _)| *known == room);
                !is_place || house.files.keys().any(|file| file == name || file.starts_with(&format!("{name}/")))
            } else if let Some(metric) = name.strip_prefix("zhamen_") {
                let metric = metric.split('{').next().unwrap_or_default();
                metrics.contains(&format!("\"{metric}\""))
            } else if is_word && name.matches('_').count() > 2 {
                functions.contains(name) || house.files.contains_key(&format!("manual/{name}.rs"))
            } else if let Some((section, _)) = name.rsplit_once('.') {
                !keys.iter().any(|key| key.starts_with(&format!("{section}.")))
                    || keys.range(name.to_owned()..).next().is_some_and(|key| key.starts_with(name))
            } else {
                true
            };
            if !exists {
                complaints.push(format!("{file}: there is no {name}"));
            }
        }
    }
    complaints
}

/// `section.key` for every key of a TOML text.
fn keys(text: &str) -> BTreeSet<String> {
    let (mut section, mut keys) = (String::new(), BTreeSet::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.split(']').next().unwrap_or_default().to_owned();
        } else if let Some((key, _)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            keys.insert(format!("{section}.{}", key.trim()));
        }
    }
    keys
}

// ---------------------------------------------------------------------------------------------
// (h): the gate.

/// In `data_plane`, connections are made in `upstream` only, and what `upstream` does for others
/// over a connection takes a `Permit`. That nobody but the gate makes one is a matter of privacy, and
/// of a test beside it.
fn check_permit(house: &House) -> Vec<String> {
    let mut complaints = Vec::new();
    let mut senders = 0;
    for module in house.modules.iter().filter(|module| module.room() == "data_plane") {
        let mut connecting = Connecting { found: false };
        connecting.visit_file(&module.syntax);
        let in_upstream = module.path.get(1).is_some_and(|name| name == "upstream");
        if connecting.found && !in_upstream {
            complaints.push(format!("{}: makes a connection; only upstream may", module.file));
        }
        if module.path.len() != 2 || !in_upstream {
            continue;
        }
        for item in &module.syntax.items {
            let Item::Fn(function) = item else { continue };
            if matches!(function.vis, Visibility::Inherited) || function.sig.asyncness.is_none() {
                continue;
            }
            senders += 1;
            if !function.sig.inputs.iter().any(is_permit) {
                complaints.push(format!("{}: {} takes no Permit", module.file, function.sig.ident));
            }
        }
    }
    if senders == 0 {
        complaints.push("data_plane/upstream/mod.rs has no function that sends".to_owned());
    }
    complaints
}

fn is_permit(argument: &FnArg) -> bool {
    let FnArg::Typed(argument) = argument else { return false };
    let ty = match &*argument.ty {
        Type::Reference(reference) => &*reference.elem,
        ty => ty,
    };
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Permit"))
}

struct Connecting {
    found: bool,
}

impl<'a> Visit<'a> for Connecting {
    fn visit_item_mod(&mut self, item: &'a ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let connects = |pair: &[String]| {
            matches!(&*pair[0], "TcpStream" | "TcpSocket" | "UnixStream" | "UdpSocket")
                && pair[1].starts_with("connect")
        };
        self.found |= names.windows(2).any(connects);
        visit::visit_path(self, path);
    }
}

// ---------------------------------------------------------------------------------------------
// Each check can fail.

/// That there is exactly one complaint, and that it says so.
fn one(complaints: Vec<String>, says: &str) {
    assert!(complaints.len() == 1 && complaints[0].contains(says), "{says:?} is not what {complaints:?} says");
}

#[test]
fn a_wrong_arrow_is_seen_however_it_is_written() {
    let engine = |text| model(&[("lib.rs", "mod engine; mod domain;"), ("engine.rs", text), ("domain.rs", "")]);
    for text in [
        "use crate::domain::Reason;",
        "use crate::{base::X, domain::{policy::Reason}};",
        "fn f() -> super::domain::Reason { todo!() }",
        "mod tests { use super::super::domain::Reason; }",
        "fn f() { assert_eq!(1, crate::domain::ONE); }",
    ] {
        one(check_arrows(&engine(text)), "engine must not use domain");
    }
    none(check_arrows(&engine("use crate::base::X; use self::y::Z; mod y { use super::X; }")));
    one(check_arrows(&model(&[("lib.rs", "mod shed;"), ("shed.rs", "")])), "shed is not a room");
    one(
        check_arrows(&model(&[("lib.rs", ""), ("main.rs", "fn main() { zhamen::engine::run() }")])),
        "main must not use engine",
    );
}

#[test]
fn a_circle_is_seen() {
    let house = model(&[
        ("lib.rs", "mod base; mod engine; mod domain;"),
        ("base.rs", "use crate::domain::A;"),
        ("engine.rs", "use crate::base::B;"),
        ("domain.rs", "use crate::engine::C;"),
    ]);
    one(check_room_circles(&house), "base, domain, engine");
}

#[test]
fn a_folder_that_uses_one_below_it_is_seen() {
    let house = model(&[
        ("lib.rs", "mod engine;"),
        ("engine/mod.rs", "mod text; mod rules;"),
        ("engine/text/mod.rs", "use super::rules::A; #[cfg(test)] mod tests { use crate::engine::rules::B; }"),
        ("engine/rules/mod.rs", "mod b;"),
        ("engine/rules/b.rs", "use crate::engine::text::B;"),
    ]);
    one(check_folders(&house, &[]), "engine::text must not use engine::rules::A");
    none(check_folders(&house, &[("engine::text", "engine::rules::A")]));
    one(check_folders(&model(&[("lib.rs", "")]), &[("engine::text", "engine::rules::A")]), "take it off the list");
}

#[test]
fn a_way_past_a_front_door_is_seen() {
    let house = |engine, text, domain| {
        model(&[
            ("lib.rs", "pub mod engine; pub mod domain;"),
            ("engine/mod.rs", engine),
            ("engine/text.rs", text),
            ("engine/text/fold.rs", ""),
            ("domain.rs", domain),
        ])
    };
    none(check_doors(&house("pub mod text;", "mod fold; pub use fold::X;", "use crate::engine::text::X;")));
    one(check_doors(&house("pub mod text;", "mod fold;", "use crate::engine::text::fold::X;")), "past a front door");
    one(check_doors(&house("pub mod text;", "pub mod fold;", "")), "side door");
    one(check_doors(&house("pub(crate) mod text;", "mod fold;", "")), "side door");
    one(check_doors(&house("pub mod text;", "mod fold;", "use crate::engine::text::*;")), "what nobody named");
    one(check_doors(&house("pub mod text;", "mod fold;", "pub use crate::engine::text::X;")), "as if it were");
}

#[test]
fn a_file_without_purpose_is_seen() {
    one(check_documentation(&model(&[("lib.rs", "// A comment, but not of the file.\n")])), "lib.rs");
    one(check_documentation(&model(&[("lib.rs", "//! \n")])), "lib.rs");
    none(check_documentation(&model(&[("lib.rs", "//! What it is for.\n")])));
}

#[test]
fn a_dead_file_is_seen() {
    let dead = model(&[("lib.rs", "mod base;"), ("base.rs", "mod inner {}"), ("base/inner.rs", "")]);
    one(check_dead_files(&dead), "base/inner.rs");
    one(check_dead_files(&model(&[("lib.rs", ""), ("table.txt", "")])), "table.txt");
    none(check_dead_files(&model(&[("lib.rs", "const T: &str = include_str!(\"table.txt\");"), ("table.txt", "")])));
}

#[test]
fn a_long_file_is_seen() {
    let long = "\n".repeat(LINES_MAX + 1);
    one(check_length(&model(&[("lib.rs", "mod a; mod b;"), ("a.rs", &long), ("b.rs", "")])), "a.rs: 601 lines");
    one(check_length(&model(&[("lib.rs", &"\n".repeat(LINES_MEDIAN_MAX + 1))])), "median");
}

#[test]
fn what_is_not_pure_is_seen() {
    let base = |text: &str| check_purity(&model(&[("lib.rs", "mod base;"), ("base.rs", text)]));
    for text in [
        "use std::fs;",
        "use std::{fmt, fs};",
        "use std::net::TcpStream;",
        "use std::net::*;",
        "use std::time::{Duration, Instant};",
        "fn f() { std::time::SystemTime::now(); }",
        "fn f() -> Option<String> { std::env::var(\"A\").ok() }",
        "use std::thread;",
        "static mut COUNT: u32 = 0;",
        "static mut COUNTS: [u32; 2] = [0; 2];",
        "static COUNTS: [AtomicU32; 2] = [AtomicU32::new(0), AtomicU32::new(0)];",
        "static SEEN: RwLock<u32> = RwLock::new(0);",
        "thread_local! { static A: u32 = 0; }",
        "use std::sync::OnceLock as Once;",
        "use tokio::spawn;",
    ] {
        assert!(!base(text).is_empty(), "{text}");
    }
    none(base("static TABLE: [(bool, u8); 4] = [(true, 1); 4];"));
    none(base("use std::{net::{IpAddr, Ipv4Addr}, time::Duration}; #[cfg(test)] mod tests { use std::fs; }"));
    let in_test = [("lib.rs", "mod base;"), ("base.rs", "#[cfg(test)] mod tests;"), ("base/tests.rs", "use std::fs;")];
    none(check_purity(&model(&in_test)));
}

#[test]
fn what_the_manual_makes_up_is_seen() {
    let manual = |text: &str| {
        let house = model(&[
            ("lib.rs", "mod engine; mod manual;"),
            ("engine.rs", "fn what_is_held_is_judged() {}"),
            ("manual/mod.rs", text),
            ("telemetry/metrics.rs", "counter(\"panics_total\")"),
            ("config/reference.toml", "[scan]\nhold = 1 # bytes\n[scan.on]\nmemory = 2"),
        ]);
        check_manual(&house, &BTreeMap::new())
    };
    none(manual(
        "//! `what_is_held_is_judged`, `engine.rs`, `zhamen_panics_total{a=\"b\"}`, `scan.hold`, `scan.on.memory`",
    ));
    one(manual("//! `what_is_held_is_eaten`"), "what_is_held_is_eaten");
    one(manual("//! `engine/text.rs`"), "engine/text.rs");
    one(manual("//! `zhamen_panics`"), "zhamen_panics");
    one(manual("//! `scan.helt`"), "scan.helt");
}

#[test]
fn a_way_round_the_gate_is_seen() {
    let plane = |upstream, other| {
        check_permit(&model(&[
            ("lib.rs", "mod data_plane;"),
            ("data_plane/mod.rs", "mod upstream; mod other;"),
            ("data_plane/upstream/mod.rs", upstream),
            ("data_plane/other.rs", other),
        ]))
    };
    let send = "pub(super) async fn send(permit: &Permit, to: &str) { TcpStream::connect(to).await }";
    none(plane(send, ""));
    none(plane(send, "#[cfg(test)] mod tests { async fn f() { TcpStream::connect(\"\").await } }"));
    one(plane("pub(super) async fn send(to: &str) {}", ""), "takes no Permit");
    one(plane(send, "async fn f() { tokio::net::TcpStream::connect(\"\").await }"), "only upstream may");
    one(plane("", ""), "no function that sends");
}
