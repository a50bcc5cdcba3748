//! The first site: from nothing to a page that is served, and one that is not.
//!
//! This chapter and those behind it up to [`moving`](super::moving) are one walk: a test pastes every
//! command, in this order, into a shell (`the_walk_through_the_manual_works_as_written`). Behind `# →`
//! stands a part of what is to be seen; a command that ends with another status than 0 has it behind
//! `# exit status`, with the reason. Take a directory of your own, with the shipped `rules/` in it
//! (`cp -r /etc/zhamen/rules .`), and three shells' worth of patience:
//!
//! ```sh
//! ls rules
//! # → gambling.toml
//! ```
//!
//! Something to stand behind it: any web server. Here a page of a tea house, and one that no host may carry:
//!
//! ```sh
//! mkdir -p pages
//! echo '<!doctype html><meta charset=utf-8><title>茶馆</title><p>欢迎光临' > pages/index.html
//! echo '<!doctype html><meta charset=utf-8><p>时时彩 网上赌场 百家乐 注册送彩金' > pages/bad.html
//! python3 -m http.server 8000 --bind 127.0.0.1 --directory pages > origin.log 2>&1 &
//! ```
//!
//! The configuration (every key: `zhamen config reference`, or `man zhamen.toml`), and the registry:
//!
//! ```sh
//! cat > zhamen.toml <<'END'
//! [listen]
//! http = ["127.0.0.1:8080"]
//!
//! [admin]
//! listen = "127.0.0.1:9900"
//!
//! [gate]
//! operator = "蜀云数据中心"
//! contact  = "mailto:security@example.cn"
//! END
//! cat > sites.csv <<'END'
//! host,origin,unit,service,kind,icp
//! example.cn,http://127.0.0.1:8000,u1,s1,virtual_host,蜀ICP备12345678号-1
//! END
//! zhamen check
//! # → 0 errors
//! zhamen explain www.example.cn/index.html
//! # → admitted
//! ```
//!
//! Start it, and ask. Under systemd that is `systemctl start zhamen`, see [`install`](super::install).
//!
//! ```sh
//! zhamen run > zhamen.log 2>&1 &
//! until zhamen health --ready; do sleep 1; done
//! # → 200
//! curl -s -H 'Host: www.example.cn' http://127.0.0.1:8080/
//! # → 欢迎光临
//! curl -si -H 'Host: www.example.com' http://127.0.0.1:8080/
//! # → HTTP/1.1 403
//! # → zhamen-reason: unfiled
//! curl -si -H 'Host: www.example.cn' http://127.0.0.1:8080/bad.html
//! # → HTTP/1.1 451
//! # → zhamen-reason: content_blocked
//! ```
//!
//! A row covers its host and every host below it until a more specific row. For TLS name listeners in
//! `listen.https` and a directory in `tls.certificates`: `NAME.crt` with `NAME.key`, or `NAME.pem` with
//! both; renewed ones are put in their place and taken up by themselves.
