//! An installation is set up; what its package holds; its manual.

use std::io::{BufRead, Read, Write};

use super::*;

fn init<'a>(port: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let base = [
        "init",
        "--dir",
        "etc",
        "--database",
        "sqlite:vigie.sqlite",
        "--mail-host",
        "127.0.0.1",
        "--mail-port",
        port,
        "--mail-tls",
        "none",
        "--mail-from",
        "Vigie <vigie@vigie.example>",
        "--public-url",
        "http://127.0.0.1:8765",
        "--operator-name",
        "Camille Essai",
        "--operator-email",
        "camille@vigie.example",
        "--organisation",
        "Les essais",
    ];
    base.iter().chain(more).copied().collect()
}

#[test]
fn an_installation_is_set_up_sends_its_first_link_and_is_never_written_over() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let installed = Installed::new();
    let closed = servers::free_port().unwrap().to_string();
    let away = installed.command(&init(&closed, &[])).output().unwrap();
    assert_eq!(away.status.code(), Some(1), "{}", text(&away.stderr));
    assert!(text(&away.stderr).contains("le serveur d’envoi n’est pas prêt"), "{}", text(&away.stderr));
    assert!(
        !installed.path("etc/vigie.toml").exists() && !installed.path("etc/secrets/web").exists(),
        "nothing is left"
    );

    let port = smtp.port.to_string();
    let line = init(&port, &["--department", "59", "--department", "62", "--sign-up", "code"]);
    let done = installed.command(&line).output().unwrap();
    assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
    let said = text(&done.stdout);
    assert!(said.contains("http://127.0.0.1:8765/inscription") && said.contains("etc/secrets/inscription"), "{said}");
    assert!(text(&done.stdout).contains("Un lien pour entrer"), "{}", text(&done.stdout));
    let mail = smtp.mails().pop().map(|m| text(&m)).unwrap();
    assert!(mail.contains("camille@vigie.example") && mail.contains("/entrer/"), "{mail}");
    for name in ["etc/secrets", "etc/secrets/web", "etc/secrets/inscription", "etc/vigie.sqlite"] {
        let mode = installed.path(name).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name} {mode:o}");
    }
    let file = std::fs::read_to_string(installed.path("etc/vigie.toml")).unwrap();
    assert!(file.contains("departments = [\"59\", \"62\"]") && file.contains("[sign_up]\nmode = \"code\""), "{file}");
    let code = std::fs::read(installed.path("etc/secrets/inscription")).unwrap();
    let key = std::fs::read(installed.path("etc/secrets/web")).unwrap();
    let checked = text(&installed.command(&["check", "-c", "etc/vigie.toml"]).output().unwrap().stdout);
    assert!(checked.contains("ouverte à qui a le code : http://127.0.0.1:8765/inscription"), "{checked}");
    let listed = installed.command(&["sources", "list", "--output", "json", "-c", "etc/vigie.toml"]).output().unwrap();
    let sources: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(sources.as_array().unwrap().len(), 4, "{sources}");

    // The same answers add nothing; others are refused, and nothing is changed.
    assert!(installed.command(&line).output().unwrap().status.success());
    let other = installed.command(&init(&port, &["--department", "75"])).output().unwrap();
    assert_eq!(other.status.code(), Some(2));
    assert!(text(&other.stderr).contains("n’est pas réécrit"), "{}", text(&other.stderr));
    assert_eq!(std::fs::read_to_string(installed.path("etc/vigie.toml")).unwrap(), file);
    assert_eq!(std::fs::read(installed.path("etc/secrets/web")).unwrap(), key);
    assert_eq!(std::fs::read(installed.path("etc/secrets/inscription")).unwrap(), code);

    let half = installed.command(&["init", "--dir", "ailleurs", "--organisation", "A"]).output().unwrap();
    assert_eq!(half.status.code(), Some(2));
    assert!(text(&half.stderr).contains("il manque --operator-name"), "{}", text(&half.stderr));
    assert!(!installed.path("ailleurs").exists());
}

/// On the page of this machine: only for who has its address, what was typed stays where the mail server fails, and the page ends with the
/// installation.
#[test]
fn an_installation_is_set_up_on_a_page_of_this_machine() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let installed = Installed::new();
    let away = installed.command(&["init", "--web", "0.0.0.0:0", "--dir", "etc"]).output().unwrap();
    assert_eq!(away.status.code(), Some(2), "{}", text(&away.stderr));

    let mut command = installed.command(&["init", "--web", "127.0.0.1:0", "--dir", "etc"]);
    let mut child = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let address = lines.find_map(|l| l.trim().strip_prefix("http://").map(str::to_owned)).unwrap();
    let (host, path) = address.split_once('/').unwrap();
    let request = |head: String, body: &str| {
        let mut stream = std::net::TcpStream::connect(host).unwrap();
        let length = body.len();
        let kind = "Content-Type: application/x-www-form-urlencoded";
        write!(stream, "{head}\r\n{kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let without = request(format!("GET / HTTP/1.1\r\nHost: {host}"), "");
    assert!(without.starts_with("HTTP/1.1 403"), "{without}");
    let elsewhere = request(format!("GET /{path} HTTP/1.1\r\nHost: attaque.example"), "");
    assert!(elsewhere.starts_with("HTTP/1.1 403"), "{elsewhere}");
    let post = |port: u16| {
        let body = format!(
            "organisation=Les+essais&operator_name=Camille&operator_email=camille%40vigie.example&mail_host=127.0.0.1%3A{port}&mail_tls=none&mail_from=vigie%40vigie.example&departments=59+62"
        );
        request(format!("POST /{path} HTTP/1.1\r\nHost: {host}"), &body)
    };
    let failed = post(servers::free_port().unwrap());
    assert!(failed.contains("n’est pas prêt") && failed.contains("value=\"Les essais\""), "{failed}");
    assert!(!installed.path("etc/vigie.toml").exists());
    let done = post(smtp.port);
    assert!(done.contains("Vigie est installée") && done.contains("camille@vigie.example"), "{done}");
    assert!(child.wait().unwrap().success());
    assert!(lines.any(|l| l.contains("Ensuite")), "said in the terminal too");
    assert!(
        std::fs::read_to_string(installed.path("etc/vigie.toml")).unwrap().contains("departments = [\"59\", \"62\"]")
    );
    assert_eq!(smtp.mails().len(), 1);
}

/// A container that is set up starts its database beside it: `init` said that nobody listens there, and sent no link.
#[test]
fn a_database_that_is_only_being_started_is_waited_for() {
    let Some(smtp) = Smtp::start(&[]) else { return };
    let Some(postgres) = servers::Postgres::start() else { return };
    let installed = Installed::new();
    let closed = servers::free_port().unwrap();
    let there = url::Url::parse(&postgres.url).unwrap();
    let not_yet = format!("postgres://vigie@127.0.0.1:{closed}{}", there.path());
    let port = smtp.port.to_string();
    let mut line = init(&port, &[]);
    let database = line.iter().position(|word| *word == "sqlite:vigie.sqlite").unwrap();
    line[database] = &not_yet;
    let mut command = installed.command(&line);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut said = std::io::BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(said.any(|l| l.contains("son serveur est attendu")), "it waits, and says so");

    // From here on somebody listens there, and passes on to the server.
    let listener = std::net::TcpListener::bind(("127.0.0.1", closed)).unwrap();
    let server = ("127.0.0.1", there.port().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let Ok(server) = std::net::TcpStream::connect(server) else { return };
            let ends = [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))];
            for (from, to) in ends {
                let (Ok(mut from), Ok(mut to)) = (from, to) else { return };
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(std::net::Shutdown::Write);
                });
            }
        }
    });
    let done = child.wait_with_output().unwrap();
    assert!(done.status.success(), "{}{}", text(&done.stdout), said.collect::<String>());
    assert!(text(&done.stdout).contains("Un lien pour entrer"), "{}", text(&done.stdout));
    assert_eq!(smtp.mails().len(), 1);

    // Somebody who is let in by nobody is told at once.
    let other = not_yet.replace("vigie@", "personne@");
    (line[database], line[2]) = (&other, "autre");
    let refused = installed.command(&line).output().unwrap();
    assert_eq!(refused.status.code(), Some(1), "{}", text(&refused.stderr));
    assert!(!text(&refused.stderr).contains("est attendu"), "{}", text(&refused.stderr));
}

/// The pages of the manual and the scripts of shells come out of the program, and hold what it has.
#[test]
fn the_program_writes_its_own_manual_and_completions() {
    let installed = Installed::new();
    let made = installed.command(&["man", "man"]).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let pages: Vec<String> = names(&installed.path("man"));
    assert!(pages.len() > 40 && pages.contains(&"vigie-deliveries-held.1".to_owned()), "{pages:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = installed.command(&["completions", shell]).output().unwrap();
        assert!(script.status.success() && text(&script.stdout).contains("doctor"), "{shell}");
    }
}

/// What stands in the package: made from the binary that the tests run.
#[test]
fn the_package_holds_the_program_its_service_its_manual_and_leaves_no_secret() {
    if !Path::new("/usr/bin/dpkg-deb").exists() {
        return vigie_tests::shared::skip("no dpkg-deb");
    }
    let out = tempfile::tempdir().unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/package");
    let made = Command::new(script)
        .arg(vigie())
        .env("CARGO_TARGET_DIR", out.path())
        .env("PACKAGE_LEVEL", "1")
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    let deb = names(&out.path().join("package")).into_iter().find(|n| n.ends_with(".deb")).unwrap();
    let listed = Command::new("dpkg-deb").arg("-c").arg(out.path().join("package").join(deb)).output().unwrap();
    let listed = text(&listed.stdout);
    for path in [
        "./usr/bin/vigie",
        "./usr/lib/systemd/system/vigie.service",
        "./usr/lib/systemd/system/vigie.service.d/10-package.conf",
        "./usr/share/man/man1/vigie.1.gz",
        "./usr/share/man/man1/vigie-doctor.1.gz",
        "./usr/share/bash-completion/completions/vigie",
        "./usr/share/doc/vigie/copyright",
        "./usr/share/doc/vigie/dependencies.txt",
        "./usr/share/doc/vigie/sbom.cdx.json",
    ] {
        assert!(listed.lines().any(|l| l.ends_with(path)), "{path}: {listed}");
    }
    let doc = out.path().join("package/root/usr/share/doc/vigie");
    let bom: Value = serde_json::from_slice(&std::fs::read(doc.join("sbom.cdx.json")).unwrap()).unwrap();
    assert_eq!((&bom["bomFormat"], &bom["metadata"]["component"]["name"]), (&"CycloneDX".into(), &"vigie".into()));
    let crates = bom["components"].as_array().unwrap();
    let lines = std::fs::read_to_string(doc.join("dependencies.txt")).unwrap().lines().count();
    assert_eq!(crates.len() + 1, lines, "both lists name the same crates, and one the program itself");
    let sealed = crates.iter().filter(|c| c["hashes"][0]["alg"] == "SHA-256").count();
    assert!(sealed > 200 && crates.iter().all(|c| c["licenses"][0]["expression"].is_string()), "{sealed}");
    assert!(!listed.contains("/etc/") && listed.lines().all(|l| l.contains("root/root")), "{listed}");
}
