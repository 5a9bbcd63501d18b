//! A structure's own leads, from every door: seen, followed and answered by it alone, with their files, until somebody entitled shows
//! them to others.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;
use vigie_conversation::{self as conversation, Chat, Incoming, Input, Sender};
use vigie_delivery::worker;
use vigie_domain::subscription::Role;
use vigie_domain::{Channel, Filter, Notice, NoticeKind, Stage, Subscriber};
use vigie_service::my_markets;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_store::tokens::Scope;
use vigie_tests::pages::{Pages, Visitor};
use vigie_tests::servers::Postgres;

const MINE: &str = "33333333300017";
const OTHERS: &str = "44444444400017";
const BYTES: &[u8] = b"%PDF-1.4 contenu de la piece \x00\xff\xfe";

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-24T10:00:00+01:00").unwrap().with_timezone(&Utc)
}

async fn cast(pages: &Pages) {
    for (id, siret) in [("ana", MINE), ("bea", MINE), ("rival", OTHERS)] {
        pages.person(id, id, Role::Structure, Some(siret)).await.unwrap();
    }
    // A rival that asks for everything; Ana's structure subscribed to nothing.
    pages.subscription("rival", &Filter::default()).await.unwrap();
    pages.person("chef", "chef", Role::Operator, None).await.unwrap();
}

/// Who is told of a procedure at once.
async fn told(pages: &Pages, procedure: &str) -> Vec<String> {
    let store = &pages.app.service.store;
    let mut people = Vec::new();
    for one in store.deliveries(None, 1_000).await.unwrap() {
        let items = store.items_of(&one.id, &one.subscriber, &one.cause).await.unwrap();
        let of_it = !one.cause.is_digest() && items.iter().any(|i| i.procedure == procedure);
        if of_it && !people.contains(&one.subscriber) {
            people.push(one.subscriber);
        }
    }
    people.sort();
    people
}

const FIELDS: [(&str, &str); 7] = [
    ("titre", "Blanchisserie du groupe Exemple"),
    ("lien", "https://achats.exemple.fr/consultations/71"),
    ("acheteur", "Groupe Exemple"),
    ("prive", "oui"),
    ("lieu", "59"),
    ("limite", "12/01/2027 à 12h"),
    ("texte", "Mme Martin a appelé : ils cherchent une entreprise adaptée."),
];

/// Without the spaces that do not break.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

async fn brought(pages: &Pages, visitor: &Visitor) -> String {
    let files: [(&str, &str, &[u8]); 3] =
        [("pieces", "CCTP été.pdf", BYTES), ("pieces", "logo.svg", b"<svg/>"), ("pieces", "", b"")];
    let done = visitor.post_files("/pistes/nouvelle", &FIELDS, &files).await.unwrap();
    assert_eq!(done.status, 200, "{}", done.body);
    let said = plain(&done.body);
    assert!(said.contains("Piste enregistrée") && said.contains("« logo.svg » n’est pas gardée"), "{said}");
    let leads = pages.app.service.store.recent_notices(0, 10).await.unwrap();
    leads.into_iter().find(|n| n.notice.title.contains("Blanchisserie")).unwrap().procedure
}

/// What somebody had brought alone was lost to their structure, and they saw it no more than their colleagues.
#[tokio::test(flavor = "multi_thread")]
async fn a_lead_brought_alone_is_the_structure_s_once_its_bearer_speaks_for_it() {
    let pages = Pages::start(now(), "").await.unwrap();
    cast(&pages).await;
    pages.person("lea", "lea", Role::Structure, None).await.unwrap();
    let procedure = brought(&pages, &pages.signed_in("lea").await.unwrap()).await;
    let page = format!("/procedure/{procedure}");
    let (bea, rival) = (pages.signed_in("bea").await.unwrap(), pages.signed_in("rival").await.unwrap());
    assert_eq!(bea.get(&page).await.unwrap().status, 404);
    pages.person("lea", "lea", Role::Structure, Some(MINE)).await.unwrap();
    for one in [&bea, &pages.signed_in("lea").await.unwrap()] {
        let shown = one.get(&page).await.unwrap();
        assert!(shown.status == 200 && shown.body.contains("CCTP été.pdf"), "{}", shown.body);
    }
    assert_eq!(rival.get(&page).await.unwrap().status, 404);
    // It is what was shown: a colleague may publish it, and then not its files.
    let lead = pages.app.service.store.notices_of(&procedure).await.unwrap().remove(0);
    let done = bea.post_form(&format!("{page}/publier"), &[("avis", &lead.id)]).await.unwrap();
    assert!(done.status == 200 && done.body.contains("Une personne"), "{}", done.body);
    assert!(!rival.get(&page).await.unwrap().body.contains("CCTP"));
}

/// The form: one road for it and for all that follows.
#[tokio::test(flavor = "multi_thread")]
async fn a_lead_with_its_files_is_its_structure_s_and_takes_the_road_of_any_market_on_either_engine() {
    from_the_form(Pages::start(now(), "").await.unwrap()).await;
    if let Some(postgres) = Postgres::start() {
        let dir = tempfile::tempdir().unwrap();
        let clock = vigie_service::Clock::fixed(now());
        from_the_form(Pages::start_on(dir, &postgres.url, clock, "").await.unwrap()).await;
    }
}

async fn from_the_form(pages: Pages) {
    cast(&pages).await;
    let service = &pages.app.service;
    let store = &service.store;
    let (ana, bea, rival, chef) = (
        pages.signed_in("ana").await.unwrap(),
        pages.signed_in("bea").await.unwrap(),
        pages.signed_in("rival").await.unwrap(),
        pages.signed_in("chef").await.unwrap(),
    );
    let stranger = pages.stranger().unwrap();
    let wrong =
        ana.post_files("/pistes/nouvelle", &[("titre", ""), ("limite", "bientôt"), ("texte", "gardé")], &[]).await;
    let wrong = wrong.unwrap();
    assert!(
        wrong.status == 400 && wrong.body.contains("gardé") && wrong.body.contains("faute-limite"),
        "{}",
        wrong.body
    );
    let procedure = brought(&pages, &ana).await;
    let page = format!("/procedure/{procedure}");

    // Told: its bearer at once; a colleague in the digest; nobody else.
    assert_eq!(told(&pages, &procedure).await, ["ana"]);
    let markets = my_markets::of(service, MINE).await.unwrap();
    assert_eq!(markets.to_decide.iter().map(|m| m.row.procedure.as_str()).collect::<Vec<_>>(), [procedure.as_str()]);
    assert!(ana.get("/").await.unwrap().body.contains("Blanchisserie du groupe Exemple"));
    let own = plain(&bea.get(&page).await.unwrap().body);
    assert!(
        own.contains("CCTP été.pdf") && own.contains("n’est pas publique") && own.contains("12 janvier 2027"),
        "{own}"
    );

    // Its files: given back whole, as something to keep, to the structure alone.
    let file = store.attachments_of(MINE, &procedure).await.unwrap().remove(0);
    let path = format!("/pieces/{}", file.id);
    let kept = bea.get(&path).await.unwrap();
    assert_eq!(kept.status, 200);
    for wanted in ["content-disposition: attachment", "filename*=UTF-8''CCTP%20%C3%A9t%C3%A9.pdf", "nosniff", "sandbox"]
    {
        assert!(kept.headers.contains(wanted), "{wanted}: {}", kept.headers);
    }
    assert!(kept.body.contains("contenu de la piece"));
    for (who, visitor) in [("rival", &rival), ("chef", &chef), ("stranger", &stranger)] {
        let answer = visitor.get(&path).await.unwrap();
        assert!(answer.status == 404 || answer.status == 303, "{who}: {}", answer.status);
        assert!(!answer.body.contains("contenu de la piece"), "{who}");
    }
    for (who, visitor) in [("rival", &rival), ("stranger", &stranger)] {
        assert_eq!(visitor.get(&page).await.unwrap().status, 404, "{who}");
    }
    let taken = rival.post_form(&format!("{path}/retirer"), &[]).await.unwrap();
    assert_eq!(taken.status, 404, "nobody else removes it");
    let more: [(&str, &str, &[u8]); 1] = [("pieces", "plan.png", b"\x89PNG")];
    let refused = rival.post_files(&format!("{page}/pieces"), &[], &more).await.unwrap();
    assert_eq!(refused.status, 404, "nor adds to it");
    assert_eq!(bea.post_files(&format!("{page}/pieces"), &[], &more).await.unwrap().status, 303);
    assert_eq!(store.attachments_of(MINE, &procedure).await.unwrap().len(), 2);

    // The same funnel: decided, reminded of, asked the result.
    let done = bea.post_form(&format!("{page}/decision"), &[("stage", "preparing")]).await.unwrap();
    assert_eq!(done.status, 303, "{}", done.body);
    let going = my_markets::of(service, MINE).await.unwrap();
    assert_eq!((going.going.len(), going.to_decide.len()), (1, 0));

    // Brought again, by a colleague: it is the same one.
    let again = bea.post_files("/pistes/nouvelle", &FIELDS, &[]).await.unwrap();
    assert_eq!(again.location.as_deref(), Some(page.as_str()), "{}", again.body);
    // The same link of another structure is a lead of that structure, which sees nothing of the first.
    let other = rival.post_files("/pistes/nouvelle", &FIELDS, &[]).await.unwrap();
    assert_ne!(other.location.as_deref(), Some(page.as_str()));
    let theirs = rival.get(other.location.as_deref().unwrap()).await.unwrap().body;
    assert!(!theirs.contains("CCTP") && !theirs.contains("plan.png"), "{theirs}");

    // Shown to others by a second act; its files are not.
    let lead = store.notices_of(&procedure).await.unwrap().remove(0);
    let done = ana.post_form(&format!("{page}/publier"), &[("avis", &lead.id)]).await.unwrap();
    assert!(done.status == 200 && done.body.contains("Une personne"), "{}", done.body);
    assert!(told(&pages, &procedure).await.contains(&"rival".to_owned()));
    let public = rival.get(&page).await.unwrap();
    assert_eq!(public.status, 200);
    assert!(!public.body.contains("CCTP") && !public.body.contains("plan.png"), "{}", public.body);
    assert!(ana.get(&page).await.unwrap().body.contains("CCTP été.pdf"));
    assert_ne!(rival.get(&path).await.unwrap().status, 200);
    let removed = bea.post_form(&format!("{path}/retirer"), &[("procedure", &procedure)]).await.unwrap();
    assert_eq!(removed.location.as_deref(), Some(format!("{page}#pieces").as_str()));
    assert_eq!(ana.get(&path).await.unwrap().status, 404);
    assert_eq!(rival.get("/pistes/nouvelle").await.unwrap().status, 200);
    assert_eq!(stranger.get("/pistes/nouvelle").await.unwrap().status, 303);

    // Reminded of, and asked the result, long after it was shared.
    for (moment, kind) in [("2027-01-11T08:30:00Z", "reminder"), ("2027-02-20T09:00:00Z", "ask_result")] {
        let at: DateTime<Utc> = moment.parse().unwrap();
        service.clock.set(at);
        vigie_bot::roles::scheduler::run(service, at).await.map_err(|f| f.to_string()).unwrap();
        let alerts = store.own_alerts("ana", 50).await.unwrap();
        assert!(alerts.iter().any(|a| a.procedure == procedure && a.kind.as_str() == kind), "{kind}: {alerts:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_have_bounds_and_what_is_over_them_is_said() {
    let pages = Pages::start(now(), "").await.unwrap();
    cast(&pages).await;
    let ana = pages.signed_in("ana").await.unwrap();
    let procedure = brought(&pages, &ana).await;
    let to = format!("/procedure/{procedure}/pieces");
    let long = vec![b'x'; 5 * 1024 * 1024 + 1];
    let over = ana.post_files(&to, &[], &[("pieces", "gros.pdf", &long)]).await.unwrap();
    assert!(over.status == 200 && plain(&over.body).contains("dépasse 5 Mo"), "{} {}", over.status, over.body);
    let huge = vec![b'x'; 13 * 1024 * 1024];
    let answer = ana.post_files(&to, &[], &[("pieces", "enorme.pdf", &huge)]).await;
    assert!(answer.is_err() || answer.is_ok_and(|a| a.status == 400), "longer than a form may be");
    // Its connection ends with the form that was cut.
    let ana = pages.signed_in("ana").await.unwrap();
    for n in 0..9 {
        let content = format!("piece {n}");
        let done = ana.post_files(&to, &[], &[("pieces", "a.txt", content.as_bytes())]).await.unwrap();
        assert_eq!(done.status, 303, "{n}: {}", done.body);
        let same = ana.post_files(&to, &[], &[("pieces", "a.txt", content.as_bytes())]).await.unwrap();
        assert_eq!(same.status, 303, "the same file twice is one");
    }
    assert_eq!(pages.app.service.store.attachments_of(MINE, &procedure).await.unwrap().len(), 10);
    let eleventh = ana.post_files(&to, &[], &[("pieces", "b.txt", b"encore")]).await.unwrap();
    assert!(eleventh.body.contains("en a déjà dix"), "{}", eleventh.body);
    let none = ana.post_files(&to, &[], &[("pieces", "", b"")]).await.unwrap();
    assert_eq!(none.status, 400);
    let no_token = ana.post(&to, &[("csrf", "x")]).await.unwrap();
    assert_eq!(no_token.status, 400, "no form with files");
}

fn published(url: &str) -> Notice {
    let mut notice = Notice::new("portail", "71", NoticeKind::Call);
    notice.title = "Entretien des espaces verts".into();
    notice.buyer.name = "Ville de Lille".into();
    notice.published = NaiveDate::from_ymd_opt(2026, 11, 20);
    notice.url = Some(url.into());
    notice.links.page = vigie_watcher::links::page(url);
    notice
}

/// A link whose page is that of a public notice is that notice; programs and chats bring leads too.
#[tokio::test(flavor = "multi_thread")]
async fn a_known_link_is_its_notice_and_programs_and_chats_bring_leads() {
    let pages = Pages::start(now(), "").await.unwrap();
    cast(&pages).await;
    let link = "https://portail.example.fr/consultation/71";
    let known = pages.take(&published(link)).await.unwrap();
    let program = pages.program("ana", &Scope::OF_PROGRAMS).await.unwrap();
    let body = json!({ "title": "Espaces verts", "url": format!("{link}?utm_source=lettre") });
    let done = program.json("POST", "/api/v1/leads", &body).await.unwrap();
    assert!(
        done.status == 200 && done.body.contains(&known) && done.body.contains("\"private\":false"),
        "{}",
        done.body
    );
    assert!(told(&pages, &known).await.contains(&"ana".to_owned()), "it enters their markets");
    let markets = my_markets::of(&pages.app.service, MINE).await.unwrap();
    assert_eq!(markets.to_decide.len(), 1);

    let body =
        json!({ "title": "Nettoyage des bureaux", "departments": ["59"], "closes": "2027-01-12T12:00:00+01:00" });
    for status in [201, 200] {
        let done = program.json("POST", "/api/v1/leads", &body).await.unwrap();
        assert!(done.status == status && done.body.contains("\"private\":true"), "{}", done.body);
    }
    for wrong in [
        json!({ "title": " " }),
        json!({ "title": "x", "url": "javascript:alert(1)" }),
        json!({ "title": "x", "departments": ["lune"] }),
    ] {
        assert_eq!(program.json("POST", "/api/v1/leads", &wrong).await.unwrap().status, 422, "{wrong}");
    }
    let reads = pages.program("ana", &[Scope::Procedures]).await.unwrap();
    assert_eq!(reads.json("POST", "/api/v1/leads", &body).await.unwrap().status, 403);

    // In a chat, out of order: a bad link, then the lead, then the answer under its alert.
    let store = &pages.app.service.store;
    let bea: Subscriber = store.subscriber("bea").await.unwrap().unwrap();
    let addresses = vec![(Channel::Telegram, "tg-bea".to_owned(), AddressState::Active)];
    store.put_subscriber(&NewSubscriber { subscriber: bea, addresses, declared: false }, now()).await.unwrap();
    let say = async |words: &str| {
        let chat = Chat { channel: Channel::Telegram, id: "tg-bea".into(), private: true, title: String::new() };
        let sender = Sender { id: "bea".into(), name: "Béa".into() };
        let input = Input::Text { text: words.to_owned(), about: None, edited: false, forwarded: false };
        let replies = conversation::dispatch(&pages.app.service, Incoming { chat, sender, input }).await.unwrap();
        replies.iter().map(|r| r.text.text.clone()).collect::<Vec<_>>().join("\n")
    };
    assert!(say("/ajouter foin").await.contains("Dites de quoi"));
    assert!(say("oui").await.contains("De quel marché"));
    let said =
        say("/ajouter Repas de midi, Lycée Exemple, https://lycee.example/marches/3 avant le 15/01/2027 à 12h").await;
    assert!(said.contains("votre structure seule"), "{said}");
    let lead = store.recent_notices(0, 20).await.unwrap();
    let lead = lead.iter().find(|n| n.notice.title.contains("Repas de midi")).unwrap();
    assert_eq!(lead.notice.url.as_deref(), Some("https://lycee.example/marches/3"));
    assert_eq!(told(&pages, &lead.procedure).await, ["bea"]);
    assert!(
        said.len() < 400
            && say("/ajouter Repas de midi, Lycée Exemple, https://lycee.example/marches/3 avant le 15/01/2027 à 12h")
                .await
                .contains("déjà connue")
    );
    for n in 0..30 {
        say(&format!("/ajouter Piste numéro {n} du jour")).await;
    }
    assert!(
        say("/ajouter Une piste de trop ce jour").await.contains("reprends demain")
            || store.leads_since("bea", now()).await.unwrap() <= 20
    );
    worker::drain(&pages.app.delivery).await.unwrap();
    assert!(store.decisions_on(MINE, &lead.procedure).await.unwrap().iter().all(|d| d.stage != Stage::Go));
}
