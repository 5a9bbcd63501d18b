//! Signed mails, as another program verifies them.

use super::*;

/// What dkimpy says of a mail, given that record.
fn dkim(mail: &[u8], (name, text): &(String, String)) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/servers/verify_dkim.py");
    let mut python = Command::new(servers::python().unwrap())
        .args([script, name, text])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    python.stdin.take().unwrap().write_all(mail).unwrap();
    String::from_utf8(python.wait_with_output().unwrap().stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_key_every_mail_is_signed_as_another_program_verifies() {
    let Some(bench) = Bench::new(false) else { return };
    let key = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let pem = bench.dir.path().join("dkim.pem");
    std::fs::write(&pem, key.serialize_pem()).unwrap();
    let mut settings = bench.settings();
    settings.email.as_mut().unwrap().dkim =
        Some(vigie_config::settings::Dkim { selector: "veille".into(), key: vigie_config::secret::Secret::File(pem) });
    let t = at("2026-11-24T09:00");
    bench.person(t, "jeanne", "jeanne@structure.example", AddressState::Active).await;
    let fetcher = Fetcher::http(&settings.fetch).unwrap();
    let app = Arc::new(App::start(settings, fetcher, Clock::fixed(t)).await.unwrap());
    for (id, closes) in [("1", "2026-12-15T11:00"), ("1", "2026-12-20T11:00"), ("2", "2026-12-15T11:00")] {
        ingest::ingest(&app.service, &call(id, closes), None).await.unwrap();
        worker::drain(&app.delivery).await.unwrap();
    }
    let record = app.delivery.email.as_ref().unwrap().signer().unwrap().record();
    app.service.store.close().await;
    assert_eq!(record.0, "veille._domainkey.vigie.example");
    let mails = bench.smtp.mails();
    assert_eq!(mails.len(), 3);
    for mail in &mails {
        let said = dkim(mail, &record);
        assert!(said.starts_with("pass "), "{said}");
        for header in ["from", "subject", "message-id", "list-unsubscribe", "list-unsubscribe-post", "content-type"] {
            assert!(said.split([' ', ':']).any(|h| h.trim() == header), "{header}: {said}");
        }
        let text = String::from_utf8_lossy(mail).into_owned();
        for altered in [
            text.replacen("subject: ", "subject: Faux ", 1).replacen("Subject: ", "Subject: Faux ", 1),
            text.replacen("From: Vigie", "From: Autre <autre@ailleurs.example>\r\nFrom: Vigie", 1),
            text.replacen("One-Click", "Two-Clicks", 1),
            text.replacen("</html>", "</HTML>", 1),
        ] {
            assert_ne!(altered, text);
            assert!(dkim(altered.as_bytes(), &record).starts_with("fail"), "{altered}");
        }
    }
}
