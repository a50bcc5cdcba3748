//! Debian's nginx: as origin, as plain proxy, with ModSecurity.

use std::path::Path;

use super::Child;

const PROGRAM: &str = "/usr/sbin/nginx";
const MODSECURITY: &str = "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so";

/// Whether nginx is installed, and with ModSecurity.
pub fn is_installed() -> bool {
    Path::new(PROGRAM).exists()
}

pub fn has_modsecurity() -> bool {
    is_installed() && Path::new(MODSECURITY).exists()
}

/// Serves the files of `folder/www`; those under `/gz/` as gzip'd HTML.
pub fn origin(folder: &Path, port: u16) -> Child {
    let root = folder.display();
    let server = format!(
        "root {root}/www; location /gz/ {{ types {{}} default_type \"text/html; charset=utf-8\"; \
         add_header Content-Encoding gzip; }}"
    );
    start(folder, "origin", port, "", "", &server)
}

/// A plain proxy with connections kept to the origin.
pub fn proxy(folder: &Path, port: u16, origin: u16) -> Child {
    proxy_with(folder, port, origin, "")
}

/// The same with more directives of its `server`.
pub fn proxy_with(folder: &Path, port: u16, origin: u16, more: &str) -> Child {
    start(folder, "plain", port, "", &upstream(origin), &format!("{more} {THROUGH}"))
}

/// A proxy whose ModSecurity looks for phrases in response bodies.
pub fn modsecurity(folder: &Path, port: u16, origin: u16, phrases: &[String]) -> Child {
    let (list, rules) = (folder.join("modsecurity.txt"), folder.join("modsecurity.rules"));
    std::fs::write(&list, phrases.join("\n")).expect("the list");
    let text = format!(
        "SecRuleEngine On\nSecRequestBodyAccess Off\nSecResponseBodyAccess On\nSecResponseBodyMimeType text/html\n\
         SecResponseBodyLimit 20000000\nSecAuditEngine Off\n\
         SecRule RESPONSE_BODY \"@pmFromFile {}\" \"id:1,phase:4,deny,status:403,nolog\"\n",
        list.display()
    );
    std::fs::write(&rules, text).expect("the rules");
    let http = format!("modsecurity on; modsecurity_rules_file {}; {}", rules.display(), upstream(origin));
    start(folder, "modsecurity", port, &format!("load_module {MODSECURITY};"), &http, THROUGH)
}

fn upstream(origin: u16) -> String {
    format!("upstream o {{ server 127.0.0.1:{origin}; keepalive 256; keepalive_requests 100000000; }}")
}

const THROUGH: &str = "location / { proxy_pass http://o; proxy_http_version 1.1; proxy_set_header Connection \"\"; \
    proxy_set_header Host $host; proxy_buffers 16 16k; proxy_buffer_size 16k; proxy_max_temp_file_size 0; }";

fn start(folder: &Path, name: &str, port: u16, main: &str, http: &str, server: &str) -> Child {
    let folder = folder.display();
    let temp: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {folder}/{name}-{kind};\n"))
        .collect();
    let config = format!(
        "{main} user root; worker_processes 1; daemon off; pid {folder}/{name}.pid; error_log {folder}/{name}.err;\n\
         events {{ worker_connections 16384; }}\n\
         http {{ types {{ text/html html; }} charset utf-8; access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;\n\
         keepalive_requests 100000000; keepalive_timeout 300s; open_file_cache max=100;\n{temp}{http}\n\
         server {{ listen 127.0.0.1:{port}; {server} }} }}\n"
    );
    let path = format!("{folder}/{name}.conf");
    std::fs::write(&path, config).expect("nginx's configuration");
    Child::start(PROGRAM, &["-c", &path, "-p", &folder.to_string()])
}
