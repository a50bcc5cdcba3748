//! Import a registry from Excel.
//!
//! `registry import` takes .xlsx as it is, and CSV as Excel writes it: GB18030 in China, UTF-8 with a
//! byte order mark elsewhere. The first row names the columns (formats: [`registry`](crate::manual::registry)),
//! in any order; columns that are not known are ignored.
//!
//! A sheet of the business department, saved as CSV:
//!
//! ```sh
//! iconv -f UTF-8 -t GB18030 > sheet.csv <<'END'
//! host,origin,unit,service,kind,icp
//! example.cn,http://127.0.0.1:8000,u1,s1,virtual_host,蜀ICP备12345678号-1
//! tea.example.org,http://127.0.0.1:8000,u2,s2,server,蜀ICP备 87654321 号－2
//! broken.example.org,http://127.0.0.1:8000,u2,s2,servr,蜀ICP备87654321号-3
//! END
//! zhamen registry check sheet.csv
//! # exit status 1: a row cannot be used
//! # → sheet.csv:4
//! ```
//!
//! A bad row is named with line and column and skipped; a file with more bad rows than good changes
//! nothing. Filing numbers with spaces, full-width digits or other dashes are repaired, with a warning.
//! What would change, and then the change:
//!
//! ```sh
//! sed -i 's/,servr,/,server,/' sheet.csv
//! zhamen registry import --dry-run sites sheet.csv
//! # → tea.example.org
//! zhamen registry import sites sheet.csv
//! until curl -sf -H 'Host: tea.example.org' http://127.0.0.1:8080/; do sleep 1; done
//! # → 欢迎光临
//! zhamen registry export
//! # → 蜀ICP备87654321号-2
//! ```
//!
//! An import that would remove more than `registry.remove_max` percent of the rows (and more than ten), or all of
//! them, is refused: half a sheet is more often a slip than a decision. `--force` says that it is one. The watched
//! file is held to the same: after a copy that broke off, what was in force stays in force.
//!
//! The watched file and imports are one source, and the last one wins: whoever adds a line to `sites.csv` after
//! an import takes the imported rows out again, unless the file says the same first (`zhamen registry export -o
//! sites.csv`). Without a person in between:
//! `registry.pull` fetches the sheet from the operator's own system.
