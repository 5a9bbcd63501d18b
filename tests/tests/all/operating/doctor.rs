//! Broken set-ups, each named with its remedy.

use super::*;
use chrono::Datelike;
use vigie_tests::name_server::NameServer;
use vigie_tests::replay::Replay;
use vigie_tests::servers::Https;

/// An HTTPS server whose certificate ends in so many days.
fn https(installed: &Installed, days: i64) -> Option<Https> {
    let end = (Utc::now() + chrono::Duration::days(days)).date_naive();
    let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    params.not_after =
        rcgen::date_time_ymd(end.year(), u8::try_from(end.month()).unwrap(), u8::try_from(end.day()).unwrap());
    let key = rcgen::KeyPair::generate().unwrap();
    let (cert_path, key_path) = (installed.path(&format!("cert{days}.pem")), installed.path(&format!("key{days}.pem")));
    std::fs::write(&cert_path, params.self_signed(&key).unwrap().pem()).unwrap();
    std::fs::write(&key_path, key.serialize_pem()).unwrap();
    Https::start(&cert_path, &key_path)
}

/// State and remedy of a line, by its word (the first of that word that is worst).
fn standing(rows: &Value, check: &str) -> (String, String, String) {
    let rank = |r: &&Value| ["good", "look", "fault"].iter().position(|s| r["state"] == *s);
    let row = rows.as_array().unwrap().iter().filter(|r| r["check"] == check).max_by_key(rank);
    let row = row.unwrap_or_else(|| panic!("no line {check}: {rows:#}"));
    let of = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
    (of("state"), of("found"), of("remedy"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_what_is_broken_and_what_to_do_about_it() {
    const REFUSED: &str = "parti@x.example";
    let Some(smtp) = Smtp::start(&["--refuse", REFUSED]) else { return };
    let replay = Replay::new(Vec::new());
    let (feed, _) = replay.serve().await.unwrap();
    let mut installed = Installed::new();
    let Some(good) = https(&installed, 60) else { return };
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    std::fs::write(installed.path("dkim.pem"), key.serialize_pem()).unwrap();
    let source = format!(
        "[fetch]\nallow_private = ['127.0.0.0/8']\n[[source]]\nid = 'boamp'\nkind = 'boamp'\nurl = '{feed}'\nbaseline = 'quiet'\n"
    );
    let more = |web: u16| {
        format!(
            "dkim = {{ selector = 'vigie', key = {{ file = '{}' }} }}\n[web]\npublic_url = 'https://127.0.0.1:{web}'\nsecret = {{ file = '{}' }}\n[backup]\ndir = 'copies'\n{source}",
            installed.path("dkim.pem").display(),
            installed.path("secret").display()
        )
    };
    std::fs::write(installed.path("secret"), "une clef de plus de seize octets").unwrap();
    for name in ["secret", "dkim.pem"] {
        std::fs::set_permissions(installed.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    // `[email]` is where the settings above end with `from`: the key of the signature follows it.
    let write = |installed: &Installed, smtp: u16, web: u16| {
        installed.settings(smtp, "");
        let text = std::fs::read_to_string(installed.path("vigie.toml")).unwrap();
        let text = text.replace("[pace]\ninstant_per_hour = 0\n", &more(web));
        std::fs::write(installed.path("vigie.toml"), text).unwrap();
    };
    write(&installed, smtp.port, good.port);
    let checked = installed.ask(&["check"]);
    let checked = text(&checked.stdout);
    let record =
        checked.split("enregistrement TXT à publier : ").nth(1).unwrap().lines().next().unwrap().trim().to_owned();

    // An installation that is well.
    installed.run(&["run", "--once", "--force-poll"]);
    installed.run(&["backup"]);
    let well = NameServer::start(&[
        ("vigie.example", "v=spf1 include:envoi.example -all"),
        ("vigie._domainkey.vigie.example", &record),
        ("_dmarc.vigie.example", "v=DMARC1; p=quarantine"),
    ])
    .await
    .unwrap();
    let look = |installed: &Installed, server: &NameServer| {
        let out = installed.ask(&["doctor", "--resolver", &server.address.to_string(), "--output", "json"]);
        let rows: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&out.stderr)));
        (out.status.code(), rows)
    };
    let (code, rows) = look(&installed, &well);
    for check in [
        "database",
        "size",
        "clock",
        "backup",
        "secrets",
        "mail",
        "spf",
        "dkim",
        "dmarc",
        "source",
        "queue",
        "dead",
        "quarantine",
        "pages",
    ] {
        assert_eq!(standing(&rows, check).0, "good", "{check}: {rows:#}");
    }
    // How long a write takes is this machine's affair.
    let (state, found, _) = standing(&rows, "write");
    assert!(state != "fault" && found.contains("faite et relue"), "{rows:#}");
    // Its own authority is no one's: browsers would refuse it. And nothing runs.
    assert!(standing(&rows, "certificate").1.contains("refusent"), "{rows:#}");
    assert_eq!((code, standing(&rows, "service").0.as_str()), (Some(1), "fault"));

    // A message is refused; then three and a half days pass, on this machine alone.
    installed.run(&[
        "subscriptions",
        "add",
        "--email",
        REFUSED,
        "--name",
        "Parti",
        "--department",
        "59",
        "--confirmed",
        "--cadence",
        "instant",
    ]);
    add_lead(&installed, 1);
    installed.run(&["run", "--once"]);
    let Some(expired) = https(&installed, -4) else { return };
    drop(smtp);
    write(&installed, servers::free_port().unwrap(), expired.port);
    std::fs::set_permissions(installed.path("secret"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let bare = NameServer::start(&[
        ("vigie._domainkey.vigie.example", "v=DKIM1; k=rsa; p=AAAA"),
        ("vigie.example", "v=spf1 +all"),
    ])
    .await
    .unwrap();
    installed.now = (Utc::now() + chrono::Duration::hours(84)).to_rfc3339();
    let (code, rows) = look(&installed, &bare);
    assert_eq!(code, Some(1));
    for (check, said, remedy) in [
        ("clock", "en avance de 3 jours", "timedatectl"),
        ("certificate", "périmé", "renouvelez"),
        ("spf", "n’importe qui", "publiez"),
        ("dkim", "autre clé", "publiez"),
        ("dmarc", "n’en publie pas", "v=DMARC1"),
        ("mail", "127.0.0.1", "vérifiez [email]"),
        ("source", "3 jours", "vigie sources test boamp"),
        ("dead", "message refusé", "vigie deliveries replay"),
        ("backup", "3 jours", "vigie backup"),
        ("secrets", "tout le monde peut lire", "chmod o="),
        ("service", "aucun processus", "systemctl start vigie"),
    ] {
        let (state, found, fix) = standing(&rows, check);
        assert!(state == "fault" && found.contains(said) && fix.contains(remedy), "{check}: {state} {found} → {fix}");
    }
    // For people, what to do stands under what is not well.
    let said = text(&installed.ask(&["doctor", "--resolver", &bare.address.to_string()]).stdout);
    assert!(said.contains("DÉFAUT  horloge") && said.contains("→ publiez"), "{said}");

    // A page of the database is overwritten, and nobody answers for names.
    installed.now = String::new();
    let mut bytes = std::fs::read(installed.path("v.sqlite")).unwrap();
    let end = bytes.len().min(200_000);
    bytes[8192..end].fill(0x5a);
    std::fs::write(installed.path("v.sqlite"), bytes).unwrap();
    let silent = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let out = installed.ask(&["doctor", "--resolver", &address, "--output", "json"]);
    let rows: Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!(standing(&rows, "database").0, "fault", "{rows:#}");
    assert!(standing(&rows, "spf").1.contains("ne répond pas"), "{rows:#}");
}

/// The doctor's answer on a disk of its own that holds the installation and is full to its last block; `None` where none can be mounted.
fn on_a_full_disk(installed: &Installed) -> Option<Output> {
    const FILL: &str = "mount -t tmpfs -o size=16m none disk && cp -p v.sqlite vigie.toml disk && cd disk || exit 9
        cat /dev/zero > full 2>&-
        exec \"$@\"";
    let own = |line: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount"]).args(line).current_dir(installed.dir.path());
        command
    };
    if !own(&["true"]).output().is_ok_and(|out| out.status.success()) {
        vigie_tests::shared::skip("no disk can be mounted here");
        return None;
    }
    std::fs::create_dir(installed.path("disk")).unwrap();
    let doctor = [vigie().to_str().unwrap(), "doctor", "-c", "vigie.toml", "--output", "json"];
    let line: Vec<&str> = ["sh", "-c", FILL, "sh"].into_iter().chain(doctor).collect();
    Some(own(&line).env_remove("VIGIE_CONFIG").output().unwrap())
}

#[test]
fn a_disk_with_nothing_left_is_named_with_what_to_do() {
    let installed = Installed::new();
    installed.settings(servers::free_port().unwrap(), "");
    add_lead(&installed, 1);
    let Some(out) = on_a_full_disk(&installed) else { return };
    let rows: Value = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("{e}: {}", text(&out.stderr)));
    let (state, found, remedy) = standing(&rows, "disk");
    assert!(state == "fault" && found.contains("0 octets libres"), "{state} {found}");
    assert!(remedy.contains("libérez de la place"), "{remedy}");
    // What the disk stops is named with the same remedy, whether the database opens or not.
    let there = |check: &&str| rows.as_array().unwrap().iter().any(|row| row["check"] == **check);
    let stopped = ["database", "write"].into_iter().filter(there).map(|check| standing(&rows, check));
    let mut faults = stopped.filter(|(state, ..)| state == "fault");
    assert!(faults.any(|(.., remedy)| remedy.contains("libérez de la place")), "{rows:#}");
    assert_eq!(out.status.code(), Some(1));
}
