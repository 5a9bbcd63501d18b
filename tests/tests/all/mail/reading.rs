//! The mailbox: full ones, mails passed on, TLS, and one that cannot be read.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_stays_full_is_given_up_after_days_and_another_address_is_told() {
    let Some(bench) = Bench::new(true) else { return };
    let day = |n: i64| at("2026-11-02T09:00") + Duration::days(n);
    bench.person(day(0), "ana", "ana@structure.example", AddressState::Active).await;
    let app = bench.app(day(0)).await;
    let person = app.service.store.subscriber("ana").await.unwrap().unwrap();
    let addresses = vec![(Channel::Email, "secours@structure.example".to_owned(), AddressState::Active)];
    app.service
        .store
        .put_subscriber(&NewSubscriber { subscriber: person, addresses, declared: false }, day(0))
        .await
        .unwrap();
    app.service.store.close().await;
    bench.publish(day(0), &call("1", "2026-12-15T11:00")).await;
    let alert = bench.to("ana@").pop().unwrap();
    for n in 0..6 {
        let report = REPORT.replace("{who}", "ana@structure.example").replace("{status}", "5.2.2");
        bench.receive(&format!("{n}"), &alert, &report.replace("Desole.", &format!("Jour {n}")));
        assert_eq!(bench.read(day(n)).await, 1);
        let expected = if n < 5 { AddressState::Active } else { AddressState::Suspended };
        assert_eq!(bench.state_of(day(n), "ana", "ana@").await, expected, "day {n}");
    }
    let told = bench.to("secours@").pop().unwrap();
    assert!(told.header("subject").contains("Nous n’arrivons plus à vous écrire"), "{}", told.header("subject"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_passes_on_becomes_a_lead_and_the_rest_waits_for_a_human() {
    let Some(bench) = Bench::new(true) else { return };
    let t = at("2026-11-24T09:00");
    bench.person(t, "jeanne", "jeanne@structure.example", AddressState::Active).await;
    bench.person(t, "op", "op@vigie.example", AddressState::Active).await;
    let app = bench.app(t).await;
    let mut op = app.service.store.subscriber("op").await.unwrap().unwrap();
    op.role = Role::Operator;
    app.service
        .store
        .put_subscriber(&NewSubscriber { subscriber: op, addresses: vec![], declared: false }, t)
        .await
        .unwrap();
    app.service.store.close().await;
    let forward = "Message-ID: <f1@structure.example>\nTo: vigie@vigie.example\nSubject: Tr: Entretien de bureaux (59)\nContent-Type: text/plain; charset=utf-8\n\nMon avis.\n\n-----Message d'origine-----\nDe : Achats <achats@groupe.example>\nEnvoyé : lundi\nÀ : Jeanne <jeanne@structure.example>\n\nNous cherchons une entreprise adaptée à Lille (59000).\n";
    let imap = bench.imap.as_ref().unwrap();
    imap.put("1", &format!("From: Jeanne <jeanne@structure.example>\n{forward}"));
    imap.put("2", &format!("From: Inconnu <inconnu@ailleurs.example>\n{forward}"));
    imap.put(
        "3",
        "From: jeanne@structure.example\nTo: vigie@vigie.example\nSubject: Question\n\nPouvez-vous m’appeler ?\n",
    );
    imap.put("4", "\n\n");
    assert_eq!(bench.read(t).await, 4);
    let told = bench.to("jeanne@");
    assert_eq!(
        told.len(),
        1,
        "the alert is the confirmation: {:?}",
        told.iter().map(|m| m.header("subject")).collect::<Vec<_>>()
    );
    assert!(
        told[0].text.contains("Entretien de bureaux") && told[0].text.contains("Votre piste est enregistrée"),
        "{}",
        told[0].text
    );
    let app = bench.app(t).await;
    let leads: Vec<_> = app.service.store.recent_notices(0, 10).await.unwrap();
    assert_eq!(leads.len(), 1);
    let document = format!("{} {:?}", leads[0].notice.title, leads[0].notice.passages);
    assert!(
        document.contains("entreprise adaptée") && !document.contains("jeanne") && !document.contains("avis."),
        "{document}"
    );
    assert_eq!(app.service.store.quarantined(5).await.unwrap().len(), 1, "the empty one is put aside");
    app.service.store.close().await;
    bench.look(t + Duration::hours(23)).await;
    let line = bench.to("op@").pop().unwrap();
    assert!(line.text.contains("2 laissés") && line.text.contains("1 illisible,"), "{}", line.text);
    let before = bench.to("op@").len();
    bench.look(t + Duration::hours(26)).await;
    assert_eq!(bench.to("op@").len(), before, "one line a day");
}

/// A mail brings its files; what is no document is told, and so is a lead that was known.
#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_a_mail_are_kept_with_its_lead_and_what_is_not_is_told() {
    let Some(bench) = Bench::new(true) else { return };
    let t = at("2026-11-24T09:00");
    bench.person(t, "jeanne", "jeanne@structure.example", AddressState::Active).await;
    bench.person(t, "paul", "paul@ailleurs.example", AddressState::Active).await;
    let part = |kind: &str, head: &str, body: &str| format!("--x\nContent-Type: {kind}\n{head}\n{body}\n");
    let attached = |name: &str| {
        format!("Content-Disposition: attachment; filename=\"{name}\"\nContent-Transfer-Encoding: base64\n")
    };
    let mail = format!(
        "From: Jeanne <jeanne@structure.example>\nTo: vigie@vigie.example\nMessage-ID: <p1@structure.example>\nSubject: Piste : blanchisserie d'un hotel\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n{}{}{}{}--x--\n",
        part(
            "text/plain; charset=utf-8",
            "",
            "L'hotel Exemple a Arras (62000) cherche un ESAT, reponse avant le 15/01/2027 a 12h."
        ),
        part("application/pdf", &attached("besoin.pdf"), "JVBERi0xLjQgYmVzb2lu"),
        part("text/html", &attached("piege.html"), "PGgxPmE8L2gxPg=="),
        part(
            "image/png",
            "Content-Disposition: inline; filename=\"logo.png\"\nContent-ID: <l>\nContent-Transfer-Encoding: base64\n",
            "iVBORw0K"
        ),
    );
    let imap = bench.imap.as_ref().unwrap();
    imap.put("1", &mail);
    assert_eq!(bench.read(t).await, 1);
    let app = bench.app(t).await;
    let lead = app.service.store.recent_notices(0, 10).await.unwrap().remove(0);
    assert_eq!(lead.notice.title, "blanchisserie d'un hotel");
    let files = app.service.store.attachments_of("jeanne", &lead.procedure).await.unwrap();
    assert_eq!(files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["besoin.pdf"], "no picture of a signature");
    let (_, content) = app.service.store.attachment("jeanne", &files[0].id).await.unwrap().unwrap();
    assert_eq!(content, b"%PDF-1.4 besoin");
    assert!(app.service.store.attachments_of("paul", &lead.procedure).await.unwrap().is_empty());
    app.service.store.close().await;
    let word = bench.to("jeanne@").into_iter().find(|m| m.header("subject").contains("Piste enregistrée")).unwrap();
    assert!(word.text.contains("piege.html") && word.text.contains("1 pièce jointe gardée"), "{}", word.text);
    assert!(bench.to("paul@").is_empty(), "nobody else hears of it");
    // The same mail once more, through another folder: known.
    imap.put("2", &mail.replace("MIME-Version", "X-Copie: oui\nMIME-Version"));
    assert_eq!(bench.read(t).await, 1);
    let words: Vec<String> = bench.to("jeanne@").into_iter().map(|m| m.text).collect();
    assert!(words.iter().any(|w| w.contains("déjà connue")), "{words:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_is_read_after_starttls_and_never_in_the_clear() {
    let Some(bench) = Bench::new(true) else { return };
    let t = at("2026-11-24T09:00");
    bench.person(t, "jeanne", "jeanne@structure.example", AddressState::Active).await;
    bench.publish(t, &call("1", "2026-12-15T11:00")).await;
    let alert = bench.last();
    for (name, word) in [("1", "plus tard"), ("2", "non")] {
        bench.receive(name, &alert, &format!("From: jeanne@structure.example\nTo: {{to}}\nSubject: Re: x\n\n{word}\n"));
    }
    let mut settings = bench.settings();
    let block = settings.mailbox.as_mut().unwrap();
    (block.tls, block.port) = (vigie_config::settings::Tls::Starttls, Some(bench.imap.as_ref().unwrap().starttls_port));
    let fetcher = Fetcher::http(&settings.fetch).unwrap();
    let app = Arc::new(App::start(settings.clone(), fetcher, Clock::fixed(t)).await.unwrap());
    assert_eq!(mailbox::look(&app.delivery, &app.fetcher).await.unwrap(), 2);
    worker::drain(&app.delivery).await.unwrap();
    let procedure = app.service.store.notice("1").await.unwrap().unwrap().procedure;
    let decision = app.service.store.decisions_on("jeanne", &procedure).await.unwrap().remove(0);
    assert_eq!(decision.stage, Stage::NoGo);
    assert_eq!(decision.remind_at, None, "« plus tard » was a reminder, until « non »");
    let told: Vec<String> = bench.to("jeanne@").iter().map(|m| m.text.clone()).collect();
    assert!(told.iter().any(|m| m.contains("Rappel noté")) && told.iter().any(|m| m.contains("écarté")), "{told:?}");
    app.service.store.close().await;
    // A server whose certificate nobody vouches for gets no password.
    settings.mailbox.as_mut().unwrap().ca_file = None;
    let fetcher = Fetcher::http(&settings.fetch).unwrap();
    let app = App::start(settings, fetcher, Clock::fixed(t)).await.unwrap();
    let refused = mailbox::look(&app.delivery, &app.fetcher).await.unwrap_err().to_string();
    assert!(refused.contains("TLS") || refused.contains("certificat"), "{refused}");
    app.service.store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_cannot_be_read_is_told_once_and_again_when_it_can() {
    let Some(mut bench) = Bench::new(true) else { return };
    let t = |minutes: i64| at("2026-11-24T09:00") + Duration::minutes(minutes);
    bench.person(t(0), "op", "op@vigie.example", AddressState::Active).await;
    let app = bench.app(t(0)).await;
    let mut op = app.service.store.subscriber("op").await.unwrap().unwrap();
    op.role = Role::Operator;
    let known = NewSubscriber { subscriber: op, addresses: vec![], declared: false };
    app.service.store.put_subscriber(&known, t(0)).await.unwrap();
    app.service.store.close().await;
    // What the service does at a look, `since` being when the mailbox was first out of reach.
    async fn look(bench: &Bench, now: DateTime<Utc>, since: DateTime<Utc>) -> usize {
        let app = bench.app(now).await;
        match mailbox::look(&app.delivery, &app.fetcher).await {
            Ok(_) => mailbox::alarm(&app.service, None, now).await.unwrap(),
            Err(mailbox::Trouble::Mailbox(why)) => {
                mailbox::alarm(&app.service, Some((since, &why)), now).await.unwrap()
            }
            Err(e) => panic!("{e}"),
        }
        worker::drain(&app.delivery).await.unwrap();
        app.service.store.close().await;
        bench.to("op@").len()
    }
    let imap = bench.imap.take().unwrap();
    let (port, folder) = (imap.port, bench.dir.path().join("imap"));
    drop(imap);
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(bench.dir.path().join("ca.pem"), made.cert.pem()).unwrap();
    let mut imap = Imap::start(&made.cert.pem(), &made.signing_key.serialize_pem()).unwrap();
    let there = imap.port;
    imap.port = port; // where nobody listens any more
    bench.imap = Some(imap);
    assert_eq!(look(&bench, t(1), t(1)).await, 0);
    assert_eq!(look(&bench, t(30), t(1)).await, 0, "a short trouble is nobody's");
    assert_eq!(look(&bench, t(32), t(1)).await, 1);
    assert_eq!(look(&bench, t(60), t(1)).await, 1, "told once");
    let told = bench.last();
    assert!(told.text.contains("ne peut pas être lue") && told.text.contains("vigie check --connect"), "{}", told.text);
    bench.imap.as_mut().unwrap().port = there;
    assert_eq!(look(&bench, t(90), t(90)).await, 2);
    assert!(bench.last().text.contains("lue de nouveau"), "{}", bench.last().text);
    std::fs::write(&folder, "un mot de passe changé").unwrap();
    assert_eq!(look(&bench, t(91), t(91)).await, 3, "an account that is refused is told at once");
}

/// Documents attached to an answer are read for the structure; a mail longer than the reader takes by itself is asked for whole.
#[tokio::test(flavor = "multi_thread")]
async fn documents_that_come_with_an_answer_are_read_and_answered_by_mail() {
    use vigie_consultation::Reader;
    const CCAP: &str = "CAHIER DES CLAUSES ADMINISTRATIVES PARTICULIERES\n\nArticle 5 - Insertion\n\nLe titulaire reserve 800 heures de travail a des personnes eloignees de l'emploi.\n";
    let Some(bench) = Bench::new(true) else { return };
    let t = at("2026-11-24T09:00");
    bench.person(t, "jeanne", "jeanne@structure.example", AddressState::Active).await;
    bench.publish(t, &call("1", "2026-12-15T11:00")).await;
    let alert = bench.to("jeanne@").pop().unwrap();
    let part = |kind: &str, name: &str, text: &str| {
        format!("--b\nContent-Type: {kind}\nContent-Disposition: attachment; filename=\"{name}\"\n\n{text}\n")
    };
    // Larger than the mailbox reader takes by itself: the clause stands behind that.
    let filler = "Le marche comprend le nettoyage des sols, des vitres et des sanitaires.\n".repeat(40_000);
    let mail = |from: &str, said: &str| {
        format!(
            "From: {from}\nTo: {{to}}\nSubject: Re: alerte\nMessage-ID: <{said}@structure.example>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\n{said}\n{}{}{}--b--\n",
            part("image/png", "logo.png", "xx"),
            part("text/plain", "CCTP.txt", &format!("CAHIER DES CLAUSES TECHNIQUES PARTICULIERES\n{filler}")),
            part("text/plain", "CCAP.txt", CCAP)
        )
    };
    bench.receive("1", &alert, &mail("jeanne@structure.example", "oui"));
    assert_eq!(bench.read(t).await, 1);
    let app = bench.app(t).await;
    let procedure = app.service.store.notice("1").await.unwrap().unwrap().procedure;
    let row = app.service.store.consultations_of("jeanne", &procedure).await.unwrap().remove(0);
    let names: Vec<String> =
        app.service.store.waiting_files(&row.id).await.unwrap().into_iter().map(|f| f.name).collect();
    assert_eq!(names, ["CCAP.txt", "CCTP.txt"], "no picture of a signature");
    let folder = tempfile::tempdir().unwrap();
    let reader = Reader::of(servers::vigie().to_owned(), folder.path());
    assert!(vigie_service::consultation::read_next(&app.service, &reader).await.map_err(|e| e.what).unwrap());
    worker::drain(&app.delivery).await.unwrap();
    app.service.store.close().await;
    let told = bench.to("jeanne@").pop().unwrap();
    let text = told.text.replace(['\u{a0}', '\u{202f}'], " ");
    assert!(told.header("subject").contains("dossier de consultation"), "{}", told.header("subject"));
    for words in ["800 h", "Le titulaire reserve 800 heures", "art. 5"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(bench.decision(t, "jeanne", "1").await, Some(Stage::Go), "the word beside them counts");

    // Of somebody who never got that alert, without its return address: left.
    let other = mail("rival@ailleurs.example", "non").replace("To: {to}", "To: vigie@vigie.example\nIn-Reply-To: {id}");
    bench.receive("2", &alert, &other);
    assert_eq!(bench.read(t).await, 1);
    let app = bench.app(t).await;
    let row = app.service.store.consultations_of("jeanne", &procedure).await.unwrap().remove(0);
    assert!(app.service.store.waiting_files(&row.id).await.unwrap().is_empty(), "nothing of theirs is taken in");
    app.service.store.close().await;
}
