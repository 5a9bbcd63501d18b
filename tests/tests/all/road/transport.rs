//! The way to the mail server: TLS, passwords, refused recipients, lost answers.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_recorded_and_sent_again_under_the_same_name() {
    let Some(smtp) = Smtp::start(&["--cut", "1"]) else { return };
    let (_double, api) =
        replay(vec![national("26-400", "2026-11-20", "Nettoyage des écoles", "", "2027-01-12T12:00:00")]).await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    bench.run(&CLEANING);
    bench.pass();
    let listed = bench.text(&["deliveries", "list"]);
    assert!(listed.contains("réponse perdue"), "{listed}");
    let later = bench
        .command(&["run", "--once", "--role", "deliver"])
        .env("VIGIE_NOW", "2026-11-21T09:30:00+01:00")
        .output()
        .unwrap();
    assert!(later.status.success());
    let mails = smtp.mails();
    let mails = parsed(&mails);
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].message_id(), mails[1].message_id(), "a mail reader sees one message");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_refused_recipient_harms_no_other() {
    let Some(smtp) = Smtp::start(&["--refuse", "parti@structure.example", "--busy", "1"]) else { return };
    let (_double, api) =
        replay(vec![national("26-500", "2026-11-20", "Nettoyage des écoles", "", "2027-01-12T12:00:00")]).await;
    let bench = Bench::new(None, &api, Some(smtp.port), "");
    bench.run(&CLEANING);
    bench.run(&[
        "subscriptions",
        "add",
        "--email",
        "parti@structure.example",
        "--sector",
        "nettoyage-de-locaux-16",
        "--confirmed",
    ]);
    bench.pass();
    for minute in ["10", "20", "40"] {
        let out = bench
            .command(&["run", "--once", "--role", "deliver"])
            .env("VIGIE_NOW", format!("2026-11-21T09:{minute}:00+01:00"))
            .output()
            .unwrap();
        assert!(out.status.success());
    }
    assert_eq!(smtp.mails().len(), 1);
    let listed = bench.text(&["deliveries", "list"]);
    assert!(listed.contains("refusé") && listed.contains("550"), "{listed}");
    assert!(!listed.contains("parti@"), "no address in the journal: {listed}");
    assert!(
        bench
            .text(&["subscriptions", "list"])
            .contains("parti@structure.example (hors service : refusée par son serveur)")
    );
}

/// Sends one notice over a protected connection with a password; gives the logs and the number of mails that arrived.
async fn over_tls(tls: &str, options: &[&str]) -> (Bench, String, usize) {
    let dir = tempfile::tempdir().unwrap();
    let cert = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (pem, key) = (path("cert.pem"), path("key.pem"));
    std::fs::write(&pem, cert.cert.pem()).unwrap();
    std::fs::write(&key, cert.signing_key.serialize_pem()).unwrap();
    let fixed = ["--cert", &pem, "--key", &key, "--user", "vigie", "--password", "secret-de-test"];
    let Some(smtp) = Smtp::start(&[&fixed[..], options].concat()) else {
        return (Bench::new(None, "http://localhost", None, ""), String::new(), usize::MAX);
    };
    let (_double, api) =
        replay(vec![national("26-600", "2026-11-20", "Nettoyage des écoles", "", "2027-01-12T12:00:00")]).await;
    let email = format!(
        "[operator]\nname = \"Camille Essai\"\ncontact = \"camille@vigie.example\"\norganisation = \"Les essais\"\n[email]\nhost = \"localhost\"\nport = {}\ntls = \"{tls}\"\nca_file = \"{pem}\"\nusername = \"vigie\"\npassword = {{ env = \"TEST_SMTP_PASSWORD\" }}\nfrom = \"vigie@vigie.example\"\n",
        smtp.port
    );
    let bench = Bench::new(None, &api, None, &email);
    bench.run(&CLEANING);
    let out = bench
        .command(&["run", "--once", "--role", "watch,deliver"])
        .env("TEST_SMTP_PASSWORD", "secret-de-test")
        .output()
        .unwrap();
    let logs = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(out.status.success(), "{logs}");
    let wrong = bench.command(&["check", "--connect"]).env("TEST_SMTP_PASSWORD", "faux").output().unwrap();
    assert_eq!(wrong.status.code(), Some(1), "{}", String::from_utf8_lossy(&wrong.stdout));
    let arrived = smtp.mails().len();
    (bench, logs, arrived)
}

#[tokio::test(flavor = "multi_thread")]
async fn starttls_and_a_password_are_used() {
    let (_bench, logs, arrived) = over_tls("starttls", &[]).await;
    assert!(arrived == usize::MAX || arrived == 1, "{logs}");
    assert!(
        !logs.contains("secret-de-test") && !logs.contains("atelier@"),
        "neither secret nor address in the logs: {logs}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_from_the_first_byte_is_used() {
    let (_bench, logs, arrived) = over_tls("implicit", &["--implicit"]).await;
    assert!(arrived == usize::MAX || arrived == 1, "{logs}");
}
