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

/// The name under which a heading can be led to, as GitHub and mdBook make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

/// Every file that a document leads to is there, and in it the heading.
#[test]
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let link = regex::Regex::new(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)").unwrap();
    let block = regex::Regex::new(r"(?ms)^ *```.*?^ *```").unwrap();
    let documents: Vec<_> = ["", "docs", "docs/decisions"]
        .iter()
        .flat_map(|dir| std::fs::read_dir(root.join(dir)).unwrap().flatten().map(|e| e.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    assert!(documents.len() > 50);
    let read = |path: &Path| block.replace_all(&std::fs::read_to_string(path).unwrap(), "").into_owned();
    let (mut seen, mut anchors, mut dead) = (0, 0, Vec::new());
    for document in documents {
        for found in link.captures_iter(&read(&document)) {
            let (file, heading) = (&found[1], found.get(2).map(|h| h.as_str()));
            if file.contains("://") || file.starts_with("mailto:") || (file.is_empty() && heading.is_none()) {
                continue;
            }
            seen += 1;
            let target = if file.is_empty() { document.clone() } else { document.parent().unwrap().join(file) };
            let there = target.exists()
                && heading.is_none_or(|wanted| {
                    anchors += 1;
                    read(&target).lines().filter(|l| l.starts_with('#')).any(|l| anchor(l) == wanted)
                });
            if !there {
                dead.push(format!("{} → {}", document.display(), &found[0]));
            }
        }
    }
    assert!(seen > 100 && anchors > 2 && dead.is_empty(), "{seen} links, {anchors} headings; {dead:#?}");
}

/// The book holds every document, each once; what it includes is there and leads nowhere by itself, since it stands in another folder; a page in
/// French says so.
#[test]
fn the_book_holds_every_document() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let listed = |name: &str| summary.matches(&format!("]({name})")).count();
    let pages = ["", "decisions"].iter().flat_map(|dir| {
        let pages = std::fs::read_dir(docs.join(dir)).unwrap().flatten().map(|e| e.file_name().into_string().unwrap());
        pages
            .filter(|n| n.ends_with(".md") && n != "SUMMARY.md")
            .map(move |n| if dir.is_empty() { n } else { format!("{dir}/{n}") })
    });
    let faults: Vec<String> = pages.filter(|page| listed(page) != 1).collect();
    assert!(faults.is_empty(), "not once in docs/SUMMARY.md: {faults:?}");
    let links = regex::Regex::new(r"\]\((?:[^)h#]|h[^)t])").unwrap();
    for page in std::fs::read_dir(&docs).unwrap().flatten().filter(|e| e.path().extension().is_some_and(|e| e == "md"))
    {
        let text = std::fs::read_to_string(page.path()).unwrap();
        if let Some(included) =
            text.strip_prefix("{{#include ").and_then(|rest| rest.split_once("}}")).map(|(path, _)| path)
        {
            let whole = std::fs::read_to_string(docs.join(included)).unwrap();
            assert!(!links.is_match(&whole), "{included} is in the book, where its links lead elsewhere");
        }
    }
    for page in ["guide.md", "rgpd.md", "commands.md"] {
        let text = std::fs::read_to_string(docs.join(page)).unwrap();
        assert!(text.contains("<div lang=\"fr\">") && text.trim_end().ends_with("</div>"), "{page}");
    }
}
