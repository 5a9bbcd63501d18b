//! What stands on the machine: files that their owner alone may read, whatever the mask of whoever starts us; the systemd unit.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use vigie_tests::servers::vigie;

/// Runs the binary with no mask at all.
fn run(home: &Path, args: &str) -> String {
    let line = format!("umask 000; exec {} {args}", vigie().display());
    let mut command = Command::new("sh");
    command.args(["-c", &line]).env("XDG_DATA_HOME", home).env("TMPDIR", home).current_dir(home);
    let out = command.env_remove("VIGIE_CONFIG").output().unwrap();
    assert!(out.status.success(), "{args}: {}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// What others than the owner may do with each file and folder below this one.
fn open_to_others(dir: &Path) -> Vec<String> {
    let mut open = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().flatten() {
        let (path, mode) = (entry.path(), entry.metadata().unwrap().permissions().mode());
        if mode & 0o077 != 0 {
            open.push(format!("{} {:o}", path.display(), mode & 0o777));
        }
        if path.is_dir() {
            open.extend(open_to_others(&path));
        }
    }
    open
}

/// B13: a backup was readable by all while it was written.
#[test]
fn databases_copies_and_their_folders_are_their_owner_s_alone() {
    let home = tempfile::tempdir().unwrap();
    // Without a settings file the database stands in the folder of the user's data.
    run(home.path(), "subscriptions list");
    assert!(home.path().join("vigie/vigie.sqlite").exists());
    std::fs::write(home.path().join("vigie.toml"), "[store]\nurl = \"sqlite:ici.sqlite\"\n").unwrap();
    std::fs::set_permissions(home.path().join("vigie.toml"), std::fs::Permissions::from_mode(0o600)).unwrap();
    run(home.path(), "subscriptions add -c vigie.toml --email a@x.example --name A --department 59 --confirmed");
    run(home.path(), "backup -c vigie.toml copies");
    let made = std::fs::read_dir(home.path().join("copies")).unwrap().next().unwrap().unwrap().path();
    assert!(made.join("vigie.sqlite").metadata().unwrap().len() > 0);
    assert_eq!(open_to_others(home.path()), Vec::<String>::new());
}

/// A folder that somebody else put in the place of ours is not taken for it.
#[test]
fn a_folder_in_the_place_of_ours_is_not_taken_for_it() {
    let home = tempfile::tempdir().unwrap();
    let ours = home.path().join("a/b");
    vigie_config::private::create_dir(&ours).unwrap();
    vigie_config::private::create_dir(&ours).unwrap();
    assert!(vigie_config::private::create_new_dir(&ours).is_err());
    std::os::unix::fs::symlink(&ours, home.path().join("lien")).unwrap();
    assert!(vigie_config::private::create_new_dir(&home.path().join("lien")).is_err());
}

/// B13: what the unit lets the service do. Where systemd is there, it counts for itself.
#[test]
fn the_systemd_unit_lets_the_service_do_what_it_needs_and_no_more() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/vigie.service");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(str::trim).filter(|l| !l.starts_with(['#', '[']));
    let set: BTreeMap<&str, &str> = lines.filter_map(|l| l.split_once('=')).collect();
    for (key, value) in [
        ("UMask", "0077"),
        ("CapabilityBoundingSet", ""),
        ("AmbientCapabilities", ""),
        ("NoNewPrivileges", "yes"),
        ("ProtectSystem", "strict"),
        ("MemoryDenyWriteExecute", "yes"),
        ("DynamicUser", "yes"),
        ("LimitCORE", "0"),
        ("Restart", "on-failure"),
    ] {
        assert_eq!(set.get(key), Some(&value), "{key}");
    }
    for key in ["MemoryMax", "LimitNOFILE", "TasksMax", "RestrictAddressFamilies", "SystemCallFilter"] {
        assert!(set.get(key).is_some_and(|v| !v.is_empty()), "{key}");
    }
    assert!(text.contains("LoadCredential="), "how secrets are handed in");
    let mut command = Command::new("systemd-analyze");
    let Ok(out) = command.args(["security", "--offline=true", "--no-pager", "--threshold=20", path]).output() else {
        return vigie_tests::shared::skip("no systemd-analyze");
    };
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(out.status.success(), "exposure above 2.0: {said}");
}

/// Every file that a document leads to is there.
#[test]
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let link = regex::Regex::new(r"\]\(([^)#\s]+)(?:#[^)]*)?\)").unwrap();
    let documents: Vec<_> = ["", "docs", "docs/decisions"]
        .iter()
        .flat_map(|dir| std::fs::read_dir(root.join(dir)).unwrap().flatten().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    assert!(documents.len() > 50);
    let (mut seen, mut dead) = (0, Vec::new());
    for document in documents {
        let text = std::fs::read_to_string(&document).unwrap();
        for found in link.captures_iter(&text).filter(|l| !l[1].contains("://") && !l[1].starts_with("mailto:")) {
            seen += 1;
            if !document.parent().unwrap().join(&found[1]).exists() {
                dead.push(format!("{} → {}", document.display(), &found[1]));
            }
        }
    }
    assert!(seen > 10 && dead.is_empty(), "{seen} links; {dead:#?}");
}
