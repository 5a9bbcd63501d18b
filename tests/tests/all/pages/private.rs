//! What one structure never sees of another, what operators see, and hostile words that stay words.

use vigie_conversation::command::MENU;
use vigie_conversation::{self as conversation, Chat, Incoming, Input, Sender};
use vigie_domain::partner_call::{CallState, PartnerCall, PartnerRole, Position, Turn};
use vigie_domain::{Award, Channel, Company, OfferStage, ServiceOffer, Visibility};
use vigie_service::leads::{self, Added, File, Lead};
use vigie_service::{consultation, contract_by_hand};
use vigie_store::accounts::Account;
use vigie_store::impact::Figures;
use vigie_store::partner_calls::Invitation;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::renewals::RenewalTold;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_structure_is_seen_by_another_on_any_route_on_either_engine() {
    Box::pin(nothing_is_seen_by_another(pages().await)).await;
    if let Some(postgres) = Postgres::start() {
        let dir = tempfile::tempdir().unwrap();
        let pages = Pages::start_on(dir, &postgres.url, Clock::fixed(now()), "").await.unwrap();
        Box::pin(nothing_is_seen_by_another(pages)).await;
    }
}

async fn nothing_is_seen_by_another(pages: Pages) {
    for (id, siret) in [("jeanne", MINE), ("rival", OTHERS)] {
        pages.person(id, id, Role::Structure, Some(siret)).await.unwrap();
        pages.subscription(id, &Filter::default()).await.unwrap();
    }
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let secret = "confidence-de-la-structure";
    let mut decision = Decision::new(MINE, &procedure, Stage::Submitted, secret, now());
    decision.note = format!("note {secret}");
    decision.assignee = secret.into();
    pages.app.service.store.decide(&decision).await.unwrap();
    let mut of_lot = decision.clone();
    of_lot.lot = "1".into();
    pages.app.service.store.decide(&of_lot).await.unwrap();
    let store = &pages.app.service.store;
    let account = Account {
        structure: MINE.into(),
        key: "552045999".into(),
        name: format!("suivi {secret}"),
        by: secret.into(),
        at: now(),
    };
    assert!(store.follow(&account).await.unwrap());
    let mut won = Notice::new("boamp", "26-9", NoticeKind::Award);
    won.title = "Entretien du linge".into();
    won.links.earlier = vec!["26-1".into()];
    won.awards = vec![Award { lot: Some("1".into()), ..Award::to(None, vec![Company::named("Martin SARL")]) }];
    pages.take(&won).await.unwrap();
    let mut tx = store.begin_alert(now()).await.unwrap();
    let offer = ServiceOffer {
        structure: MINE.into(),
        procedure: procedure.clone(),
        lot: "1".into(),
        stage: OfferStage::Contacted,
        holders: "martin sarl".into(),
        by: secret.into(),
        at: now(),
        told: Some(now()),
        reminded: false,
    };
    tx.put_service_offer(&offer).await.unwrap();
    tx.commit().await.unwrap();
    // A lead of hers that closes, with a file.
    let jeanne = store.subscriber("jeanne").await.unwrap().unwrap();
    let lead = Lead {
        title: format!("Piste {secret}"),
        text: format!("Une entreprise cherche un ESAT, {secret}, réponse avant le 12/01/2027 à 12h."),
        url: Some("https://achats.exemple.fr/consultations/71".into()),
        ..Lead::default()
    };
    let own = lead.notice(Visibility::Structure(MINE.into()), now()).unwrap();
    let Added::Brought { procedure: lead, notice, .. } = leads::add(&pages.app.service, &jeanne, own).await.unwrap()
    else {
        panic!("it is hers")
    };
    let file = File { name: format!("{secret}.txt"), content: secret.as_bytes().to_vec() };
    assert_eq!(leads::attach(&pages.app.service, &jeanne, &notice, &[file]).await.unwrap().kept, 1);
    let file = store.attachments_of(MINE, &lead).await.unwrap().remove(0).id;
    // What was read of a consultation of hers.
    let given = File { name: format!("{secret}.txt"), content: format!("Pénalité : {secret}").into_bytes() };
    consultation::give(&pages.app.service, &jeanne, &procedure, vec![given], None).await.map_err(|e| e.what).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let reader = vigie_consultation::Reader::of(vigie_tests::servers::vigie().to_owned(), folder.path());
    assert!(consultation::read_next(&pages.app.service, &reader).await.map_err(|e| e.what).unwrap());
    let mut going = Decision::new(MINE, &lead, Stage::Preparing, secret, now());
    going.note = format!("note {secret}");
    store.decide(&going).await.unwrap();
    Box::pin(tell_of_an_end(&pages)).await;
    // An operation that her organisation keeps, whoever of it may see it.
    let kept = vigie_domain::Operation {
        structure: MINE.into(),
        reference: secret.into(),
        title: format!("Opération {secret}"),
        created: now(),
        updated: now(),
        ..vigie_domain::Operation::default()
    };
    store.put_operations(std::slice::from_ref(&kept)).await.unwrap();
    let kept = store.operations_of(MINE).await.unwrap().remove(0);
    store.put_operation_note((MINE, &kept.id), secret, secret, now()).await.unwrap();
    // A call for partners that asks both: she answers it with a word for the coordinator, who alone reads it.
    let partners = PartnerCall {
        id: "appel".into(),
        coordinator: "gie".into(),
        name: "GIE Nord".into(),
        procedure: procedure.clone(),
        lots: vec!["1".into(), "2".into()],
        note: String::new(),
        state: CallState::Open,
        closes: now() + Duration::days(5),
        tender: None,
        opened: now(),
        by: "Claire".into(),
        told: Turn::Asked,
        ended: Vec::new(),
        follows: String::new(),
    };
    let mut tx = store.begin_ingest(now()).await.unwrap();
    tx.put_partner_call(&partners).await.unwrap();
    for structure in [MINE, OTHERS] {
        let name = if structure == MINE { format!("nom {secret}") } else { "Rival".to_owned() };
        let invitation =
            Invitation { call: "appel".into(), structure: structure.into(), name, at: now(), shows_decision: true };
        tx.put_partner_invitation(&invitation).await.unwrap();
    }
    tx.commit().await.unwrap();
    for (lot, role) in [("1", PartnerRole::Lead), ("2", PartnerRole::Declined)] {
        let position = Position {
            structure: MINE.into(),
            lot: lot.into(),
            role,
            share: Some(71),
            hours: None,
            people: None,
            note: format!("mot {secret}"),
            by: secret.into(),
            at: now(),
        };
        store.put_positions("appel", MINE, vec![position], (None, None), now()).await.unwrap();
    }
    let figures = Figures { people: Some(71), ..Figures::default() };
    store.put_impact((MINE, &procedure, "1"), figures, secret, now()).await.unwrap();
    let hers = pages.signed_in("jeanne").await.unwrap();
    assert!(ok(&hers, "/groupements/appel").await.body.contains(secret), "the search must be able to find");
    let read = format!("/procedure/{procedure}/dossier");
    for path in [format!("/procedure/{lead}"), format!("/pieces/{file}"), read, "/".to_owned()] {
        assert!(ok(&hers, &path).await.body.contains(secret), "the search must be able to find at {path}");
    }
    for path in ["/contrats".to_owned(), format!("/contrat/{procedure}/1")] {
        assert!(ok(&hers, &path).await.body.contains(secret), "the search must be able to find at {path}");
    }
    let ending = "Collecte des biodéchets";
    assert!(ok(&hers, "/contrats").await.body.contains(ending), "she was told of it");
    hers.post_form("/compte/jetons", &[("lien", "calendar")]).await.unwrap();
    hers.post_form("/compte/jetons", &[("lien", "feed")]).await.unwrap();
    let her_links = pages.app.service.store.tokens("jeanne").await.unwrap();
    for token in &her_links {
        let link = vigie_web::account::private_url(&pages.app.service, token).unwrap();
        let link = link.strip_prefix(&pages.base).unwrap();
        assert!(ok(&hers, link).await.body.contains(secret), "the search must be able to find at {link}");
    }
    let program = pages.program("jeanne", &Scope::OF_PROGRAMS).await.unwrap();
    assert!(program.get("/api/v1/decisions").await.unwrap().body.contains(secret), "the search must be able to find");
    assert!(ok(&hers, "/tableaux/decisions.csv").await.body.contains(secret));

    let rival = pages.signed_in("rival").await.unwrap();
    let rivals_program = pages.program("rival", &Scope::OF_PROGRAMS).await.unwrap();
    // What the rival's own calendar and feed hold, and what is said in the rival's chat.
    for link in ["calendar", "feed"] {
        rival.post_form("/compte/jetons", &[("lien", link)]).await.unwrap();
    }
    for token in pages.app.service.store.tokens("rival").await.unwrap() {
        if let Some(link) = vigie_web::account::private_url(&pages.app.service, &token) {
            let link = link.strip_prefix(&pages.base).unwrap();
            let body = ok(&rival, link).await.body;
            assert!(!body.contains(secret) && !body.contains(ending), "the rival's own {link}");
        }
    }
    assert!(!ok(&rival, "/contrats").await.body.contains(ending), "the rival was told of no end");
    assert!(!rivals_program.get("/api/v1/renewals").await.unwrap().body.contains(ending));
    let numbers = [procedure.as_str(), lead.as_str(), notice.as_str(), "26-1", "26-9"];
    for said in Box::pin(spoken(&pages, "rival", &numbers)).await {
        let of_ends = said.0.starts_with("/contrats") && said.1.contains(ending);
        assert!(!said.1.contains(secret) && !of_ends, "{}: {}", said.0, said.1);
    }
    let stranger = pages.stranger().unwrap();
    let csrf = rival.csrf().await.unwrap();
    let mut asked = 0;
    let tokens: Vec<String> = her_links
        .iter()
        .map(|t| t.id.clone())
        .chain([procedure.clone(), file.clone(), "552045999".into(), kept.id.clone(), "appel".into()])
        .collect();
    for (token, of) in tokens.iter().map(|t| (t, &procedure)).chain([(&file, &lead)]) {
        for path in paths(of, token) {
            for (who, visitor) in [("rival", &rival), ("program", &rivals_program), ("stranger", &stranger)] {
                let mut answers = vec![visitor.get(&path).await.unwrap()];
                if path.starts_with("/api/v1") {
                    answers.push(visitor.json("PUT", &path, &json!({ "stage": "go", "seen": "go" })).await.unwrap());
                    answers.push(visitor.json("POST", &path, &json!({})).await.unwrap());
                    answers.push(visitor.json("DELETE", &path, &json!({})).await.unwrap());
                } else if !["/sortir", "/entrer", "/compte/effacer"].contains(&path.as_str()) {
                    answers.push(
                        visitor
                            .post(&path, &[("csrf", &csrf), ("stage", "go"), ("seen", "submitted.1")])
                            .await
                            .unwrap(),
                    );
                }
                for answer in answers {
                    asked += 1;
                    assert!(!answer.body.contains(secret), "{who} sees it at {path}: {}", answer.body);
                    assert_ne!(answer.status, 500, "{who} at {path}: {}", answer.body);
                    assert!(!answer.body.contains("remis</span>"), "{who} sees a stage at {path}");
                }
            }
        }
    }
    assert!(asked > 400, "{asked}");
    let standing = pages.app.service.store.decisions_on(MINE, &procedure).await.unwrap();
    assert!(standing.iter().all(|d| d.stage == Stage::Submitted && d.note.contains(secret)), "nor changed by them");
    assert!(store.attachment(MINE, &file).await.unwrap().is_some(), "nor taken away");
    assert!(!store.consultations_of(MINE, &procedure).await.unwrap().is_empty(), "nor forgotten by them");
    assert_eq!(store.service_offer_of(MINE, &procedure, "1").await.unwrap(), Some(offer));
    assert_eq!(store.accounts_of(MINE).await.unwrap(), [account]);
    assert_eq!(store.operations_of(MINE).await.unwrap(), [kept]);
    assert_eq!(pages.app.service.store.tokens("jeanne").await.unwrap().len(), her_links.len() + 1);
    assert_eq!(pages.app.service.store.subscriptions_of("jeanne").await.unwrap().len(), 1);
}

/// The end of a contract under way, told to her: the contract is public, not whom it is told to.
async fn tell_of_an_end(pages: &Pages) {
    let (service, store) = (&pages.app.service, &pages.app.service.store);
    let said = contract_by_hand::Said {
        title: Some("Collecte des biodéchets des cuisines".into()),
        buyer: Some("Ville de Lens".into()),
        holders: vec![Company::named("MARTIN SARL")],
        notified: chrono::NaiveDate::from_ymd_opt(2024, 3, 1),
        months: Some(48.0),
        places: vec!["Lens (62)".into()],
        ..contract_by_hand::Said::default()
    };
    let today = now().date_naive();
    let ends = contract_by_hand::say(service, None, &said, today).await.map_err(|e| e.what).unwrap().unwrap();
    let mut tx = store.begin_ingest(now()).await.unwrap();
    let on = chrono::NaiveDate::from_ymd_opt(2028, 3, 1).unwrap();
    let told =
        RenewalTold { structure: MINE.into(), procedure: ends, lot: String::new(), ahead: 12, ends: on, at: now() };
    tx.put_renewal(&told).await.unwrap();
    tx.commit().await.unwrap();
}

/// Every command, said in a private chat of that person, alone and about each of these numbers.
async fn spoken(pages: &Pages, person: &str, numbers: &[&str]) -> Vec<(String, String)> {
    // Not of the menu, and operators' own. « /stop » and « /effacer » take whoever says them away, and say nothing.
    const OTHERS: [&str; 16] = [
        "/oublier",
        "/transmettre",
        "/chercher confidence",
        "/changer",
        "/essayer",
        "/nommer",
        "/retirer",
        "/proposition",
        "/sante",
        "/file",
        "/pauser",
        "/reprendre_source",
        "/rejouer",
        "détails",
        "oui",
        "/annuler",
    ];
    let menu = MENU.iter().map(|(name, _)| *name).filter(|name| !["stop", "effacer"].contains(name));
    let commands: Vec<String> =
        menu.map(|name| format!("/{name}")).chain(OTHERS.iter().map(|said| (*said).to_owned())).collect();
    let store = &pages.app.service.store;
    let subscriber = store.subscriber(person).await.unwrap().unwrap();
    let addresses = vec![(Channel::Telegram, format!("tg-{person}"), AddressState::Active)];
    store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now()).await.unwrap();
    let mut out = Vec::new();
    for command in &commands {
        for number in std::iter::once(&"").chain(numbers) {
            let text = format!("{command} {number}");
            let chat =
                Chat { channel: Channel::Telegram, id: format!("tg-{person}"), private: true, title: String::new() };
            let sender = Sender { id: person.into(), name: person.into() };
            let input = Input::Text { text: text.clone(), about: None, edited: false, forwarded: false };
            let replies = conversation::dispatch(&pages.app.service, Incoming { chat, sender, input }).await.unwrap();
            let said = replies.iter().map(|r| r.text.text.clone()).collect::<Vec<_>>().join("\n");
            // The limit on how much is said is another test's.
            pages.app.service.clock.set(pages.app.service.clock.now() + chrono::Duration::minutes(1));
            out.push((text, said));
        }
    }
    out
}

#[tokio::test]
async fn operators_alone_have_operators_pages_and_what_they_see_of_people_is_noted() {
    let pages = pages().await;
    pages.person("chef", "Chef", Role::Operator, None).await.unwrap();
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    worker::drain(&pages.app.delivery).await.unwrap();
    let delivery = pages.app.service.store.deliveries(None, 1).await.unwrap().remove(0).id;
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let chef = pages.signed_in("chef").await.unwrap();
    for path in ["", "/sources", "/envois", "/personnes", &format!("/envois/{delivery}")] {
        let path = format!("/exploitation{path}");
        assert_eq!(jeanne.get(&path).await.unwrap().status, 404, "{path}");
        ok(&chef, &path).await;
    }
    for path in ["/tableaux/envois.csv", "/tableaux/personnes.csv"] {
        assert_eq!(jeanne.get(path).await.unwrap().status, 404, "{path}");
        ok(&chef, path).await;
    }
    let role = [("role", "operator")];
    assert_eq!(jeanne.post_form("/exploitation/personnes/jeanne/role", &role).await.unwrap().status, 404);
    assert_eq!(jeanne.post_form("/exploitation/envois/rejouer", &[("envoi", &delivery)]).await.unwrap().status, 404);
    let changed = chef.post_form("/exploitation/personnes/jeanne/role", &[("role", "facilitator")]).await.unwrap();
    assert_eq!(changed.status, 303, "{}", changed.body);
    assert_eq!(pages.app.service.store.subscriber("jeanne").await.unwrap().unwrap().role, Role::Facilitator);
    assert_eq!(
        chef.post_form("/exploitation/personnes/chef/role", &[("role", "structure")]).await.unwrap().status,
        400
    );
    let looks = pages.app.service.store.looks("", 20).await.unwrap();
    assert!(looks.iter().any(|l| l.who == "chef" && l.whom == "jeanne"), "{looks:?}");
}

#[tokio::test]
async fn a_hostile_title_stays_text_on_every_page_table_feed_and_header() {
    let pages = pages().await;
    pages.person("chef", HOSTILE, Role::Operator, Some(MINE)).await.unwrap();
    pages.subscription("chef", &Filter::default()).await.unwrap();
    let mut notice = call("26-1", HOSTILE);
    notice.buyer.name = HOSTILE.into();
    notice.lots[0].title = HOSTILE.into();
    notice.passages[0].text.push_str(HOSTILE);
    notice.url = Some("javascript:alert(1)".into());
    notice.documents_url = Some("data:text/html,<script>alert(1)</script>".into());
    let procedure = pages.take(&notice).await.unwrap();
    let mut decision = Decision::new(MINE, &procedure, Stage::Go, HOSTILE, now());
    decision.note = HOSTILE.into();
    pages.app.service.store.decide(&decision).await.unwrap();
    let visitor = pages.signed_in("chef").await.unwrap();
    visitor.post_form("/compte/jetons", &[("lien", "calendar")]).await.unwrap();
    visitor.post_form("/compte/jetons", &[("lien", "feed")]).await.unwrap();
    let mut shown: Vec<String> = paths(&procedure, "x").into_iter().filter(|p| !p.starts_with("/api/v1")).collect();
    for token in pages.app.service.store.tokens("chef").await.unwrap() {
        let url = vigie_web::account::private_url(&pages.app.service, &token).unwrap();
        shown.push(url.strip_prefix(&pages.base).unwrap().to_owned());
    }
    let delivery = pages.app.service.store.deliveries(None, 1).await.unwrap().remove(0).id;
    for link in [pages.app.service.answer_url(&delivery, now()), pages.app.service.digest_url(&delivery, now())] {
        let path = link.unwrap().strip_prefix(&pages.base).unwrap().to_owned();
        assert!(ok(&visitor, &path).await.body.contains("&lt;script&gt;"), "{path} tells the title");
        shown.push(path);
    }
    for path in shown {
        let answer = visitor.get(&path).await.unwrap();
        assert!(!answer.headers.to_lowercase().contains("\nset-cookie: a=b"), "{path}: {}", answer.headers);
        if answer.headers.contains("text/html") {
            // The one script there is, which is ours.
            let body = answer.body.replace("<script src=\"/navigateur.js\"></script>", "");
            for raw in ["<script", "<img src=x", "javascript:alert", "data:text/html"] {
                assert!(!body.contains(raw), "{path} holds {raw}");
            }
            assert!(answer.body.len() <= 60_000, "{path} weighs {} bytes", answer.body.len());
            for header in [
                "content-security-policy: default-src 'none'",
                "x-content-type-options: nosniff",
                "referrer-policy: same-origin",
            ] {
                assert!(answer.headers.contains(header), "{path} lacks {header}");
            }
        }
        if answer.headers.contains("text/csv") {
            assert!(
                !answer.body.split([';', '\n']).any(|c| c.trim_matches('"').starts_with('=')),
                "{path}: {}",
                answer.body
            );
        }
        if answer.headers.contains("atom+xml") {
            let feed = feed_rs::parser::parse(answer.body.as_bytes()).unwrap();
            assert_eq!(feed.entries.len(), 1);
            assert!(feed.entries[0].title.as_ref().unwrap().content.contains("<script>"), "told whole, as text");
        }
        if answer.headers.contains("text/calendar") {
            assert!(answer.body.lines().all(|l| !l.starts_with("Set-Cookie")), "{}", answer.body);
            assert!(answer.body.contains("BEGIN:VEVENT"), "{}", answer.body);
        }
    }
}

#[tokio::test]
async fn a_person_takes_their_data_along_and_erases_themselves() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let held = ok(&jeanne, "/compte/donnees.json").await;
    assert!(
        held.body.contains("jeanne@structure.example") && held.body.contains("connexions aux pages"),
        "{}",
        held.body
    );
    assert_eq!(jeanne.post_form("/compte/effacer", &[]).await.unwrap().status, 400, "not by a slip");
    let gone = jeanne.post_form("/compte/effacer", &[("sur", "oui")]).await.unwrap();
    assert_eq!(gone.location.as_deref(), Some("/adieu"));
    assert_eq!(jeanne.get("/compte").await.unwrap().status, 303, "the session is gone with the person");
    assert!(pages.app.service.store.subscriber("jeanne").await.unwrap().is_none());
}
