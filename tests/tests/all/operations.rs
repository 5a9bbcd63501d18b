//! Operations of facilitators, end to end: the life of one under a simulated clock, tables out and in, the monthly table, and what others
//! never see of them.

mod ahead;
mod around;
mod hours;
#[cfg(all(feature = "matrix", feature = "telegram"))]
mod in_a_room;
mod opened;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use vigie_bot::roles::scheduler;
use vigie_conversation::{self as conversation, Chat, Incoming, Input, Sender};
use vigie_delivery::worker;
use vigie_domain::directory::{CommittedBuyer, Facilitator};
use vigie_domain::operation::OperationState;
use vigie_domain::service_area::{Area, Spot};
use vigie_domain::subscription::Role;
use vigie_domain::{
    Absence, Award, Channel, Company, DateKind, Department, Filter, Lot, Notice, NoticeKind, Passage, Place,
    ProvisionKind, TypedDate,
};
use vigie_service::Clock;
use vigie_service::alert_card;
use vigie_service::operations::{self, tables};
use vigie_store::operations::Standing;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_tests::pages::{Answer, Pages, Visitor};
use vigie_tests::servers::Postgres;
use vigie_tests::sink::Sink;

const PLIE: &str = "26620001400011";
const OTHERS: &str = "26590671900017";
const CITY: &str = "21620498200012";

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}

/// Without the spaces that do not break.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

fn notice(id: &str, kind: NoticeKind, title: &str, day: &str) -> Notice {
    let mut notice = Notice::new("boamp", id, kind);
    notice.title = title.into();
    notice.buyer.name = "Ville de Lens".into();
    notice.buyer.siret = Some(CITY.into());
    notice.departments.extend(Department::parse("62"));
    notice.published = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok();
    notice
}

fn planned() -> Notice {
    let mut notice = notice("p-1", NoticeKind::Planned, "Réhabilitation de l’école Jean Jaurès", "2026-11-20");
    notice.source = "approch".into();
    notice.estimated_value = Some(1_000_000.0);
    notice
}

fn call() -> Notice {
    let mut notice =
        notice("27-10001", NoticeKind::Call, "Travaux de réhabilitation de l’école Jean Jaurès", "2027-01-11");
    let closes = DateTime::parse_from_rfc3339("2027-02-15T12:00:00+01:00").unwrap();
    notice.dates.push(TypedDate::of_field(DateKind::Tender, (closes, true), "dateReceptionOffres"));
    for (id, title, hours) in [("1", "Maçonnerie", 400), ("2", "Peinture", 200)] {
        notice.lots.push(Lot { id: id.into(), title: title.into(), ..Lot::default() });
        let text = format!(
            "Lot {id} : le titulaire réserve {hours} heures de travail à des personnes éloignées de l’emploi (clause sociale d’insertion obligatoire)."
        );
        notice.passages.push(Passage { field: "rensgComplt".into(), lot: Some(id.into()), text });
    }
    notice
}

fn award() -> Notice {
    let mut notice =
        notice("27-10090", NoticeKind::Award, "Travaux de réhabilitation de l’école Jean Jaurès", "2027-04-01");
    notice.links.earlier = vec!["27-10001".into()];
    notice.awards = vec![
        Award { lot: Some("1".into()), ..Award::to(None, vec![Company::named("Martin SARL")]) },
        Award { lot: Some("2".into()), ..Award::to(None, vec![Company::named("Dupont Peinture")]) },
    ];
    notice
}

async fn cast(pages: &Pages) {
    for (id, siret) in [("ana", PLIE), ("bea", PLIE), ("rival", OTHERS)] {
        pages.person(id, id, Role::Facilitator, Some(siret)).await.unwrap();
    }
    pages.person("jeanne", "jeanne", Role::Structure, Some("33333333300017")).await.unwrap();
}

/// What time brings by then; gives the texts of words about operations told since.
async fn pass(pages: &Pages, moment: &str) -> Vec<(String, String)> {
    pages.app.service.clock.set(at(moment));
    let store = &pages.app.service.store;
    let before: Vec<String> = store.deliveries(None, 1_000).await.unwrap().into_iter().map(|d| d.id).collect();
    // What is attached at one look is told at the next.
    for _ in 0..2 {
        let now = pages.app.service.clock.now();
        scheduler::run(&pages.app.service, now).await.unwrap();
        pages.app.service.clock.set(now + Duration::hours(1));
    }
    worker::drain(&pages.app.delivery).await.unwrap();
    let mut told = Vec::new();
    for one in store
        .deliveries(None, 1_000)
        .await
        .unwrap()
        .into_iter()
        .filter(|d| d.channel == Channel::Email && !before.contains(&d.id))
    {
        for item in store.items_of(&one.id, &one.subscriber, &one.cause).await.unwrap() {
            if let Some(body) = item.body.filter(|b| b.contains("opérations") || b.contains("tableau")) {
                told.push((one.subscriber.clone(), plain(&body)));
            }
        }
    }
    told.sort();
    told
}

async fn import(visitor: &Visitor, what: &str, table: &str) -> Answer {
    let files = [("fichier", "t.csv", table.as_bytes())];
    visitor.post_files("/operations/importer", &[("quoi", what)], &files).await.unwrap()
}

async fn ok(visitor: &Visitor, path: &str) -> String {
    let answer = visitor.get(path).await.unwrap();
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    plain(&answer.body)
}

async fn done(visitor: &Visitor, path: &str, fields: &[(&str, &str)]) -> String {
    let answer = visitor.post_form(path, fields).await.unwrap();
    assert_eq!(answer.status, 303, "{path}: {}", answer.body);
    answer.location.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_life_of_an_operation_from_a_planned_purchase_to_its_report_on_either_engine() {
    let begin = at("2026-11-24T10:00:00+01:00");
    let mails = Sink::that_keeps().await.unwrap();
    the_life(Pages::start(begin, &post(&mails)).await.unwrap(), &mails).await;
    if let Some(postgres) = Postgres::start() {
        let dir = tempfile::tempdir().unwrap();
        let mails = Sink::that_keeps().await.unwrap();
        the_life(Pages::start_on(dir, &postgres.url, Clock::fixed(begin), &post(&mails)).await.unwrap(), &mails).await;
    }
}

/// Settings by which mails are handed to that server.
fn post(mails: &Sink) -> String {
    format!(
        "[email]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n",
        mails.port
    )
}

/// A mail as it is read: subject and text, and its files by name.
type Came = (String, Vec<(String, Vec<u8>)>);

/// The mails that somebody got and that hold these words.
fn got(mails: &Sink, who: &str, words: &str) -> Vec<Came> {
    use mail_parser::MimeHeaders as _;

    let to = format!("{who}@structure.example");
    let mut out = Vec::new();
    for mail in mails.received().into_iter().filter(|m| m.to == to) {
        let read = mail_parser::MessageParser::default().parse(&mail.whole).unwrap();
        let text = format!("{} {}", read.subject().unwrap_or_default(), read.body_text(0).unwrap());
        let text = plain(&text).split_whitespace().collect::<Vec<_>>().join(" ");
        let file = |part: &mail_parser::MessagePart<'_>| {
            (part.attachment_name().unwrap_or_default().to_owned(), part.contents().to_vec())
        };
        if text.contains(words) {
            out.push((text, read.attachments().map(file).collect()));
        }
    }
    out
}

async fn the_life(pages: Pages, mails: &Sink) {
    cast(&pages).await;
    let procedure = pages.take(&planned()).await.unwrap();
    let ana = pages.signed_in("ana").await.unwrap();

    // A planned purchase is followed, and calibrated: the published example, to the hour.
    assert!(ok(&ana, "/operations/a-calibrer?departement=62").await.contains("Réhabilitation de l’école"));
    let page = done(&ana, "/operations/suivre", &[("procedure", &procedure)]).await;
    assert_eq!(done(&ana, "/operations/suivre", &[("procedure", &procedure)]).await, page, "followed twice is one");
    let shown = ok(&ana, &page).await;
    assert!(shown.contains("1 000 000 €") && shown.contains("À calibrer"), "{shown}");
    let empty = [("lot", "1"), ("metier", "Maçonnerie"), ("montant", "")];
    let refused = ana.post_form(&format!("{page}/calibrage"), &empty).await.unwrap();
    assert!(refused.status == 400 && refused.body.contains("le montant d’une ligne au moins"), "{}", refused.body);
    assert!(refused.body.contains("value=\"Maçonnerie\""), "what was typed stays: {}", refused.body);
    let lines =
        [("lot", ""), ("metier", "Maçonnerie"), ("montant", "1 000 000"), ("part", ""), ("taux", ""), ("cout", "")];
    let sheet = done(&ana, &format!("{page}/calibrage"), &[&lines[..], &[("avis", "Favorable")]].concat()).await;
    let shown = ok(&ana, &sheet).await;
    for said in [
        "833 heures d’insertion",
        "1 000 000 € × 50 % × 5 % ÷ 30 €/h = 833 h",
        "mefsud77.fr",
        "833 heures",
        "L2112-2",
        "Favorable",
    ] {
        assert!(shown.contains(said), "« {said} » is missing: {shown}");
    }
    let bad = [("metier", "Magie"), ("montant", "beaucoup")];
    let refused = ana.post_form(&format!("{page}/calibrage"), &bad).await.unwrap();
    assert!(refused.status == 400 && refused.body.contains("illisible"), "{}", refused.body);
    // A figure without its amount is no line that goes lost.
    let lost = [&lines[..], &[("lot", "2"), ("metier", "Peinture"), ("montant", ""), ("part", "60")]].concat();
    let refused = ana.post_form(&format!("{page}/calibrage"), &lost).await.unwrap();
    assert!(refused.status == 400 && refused.body.contains("le montant manque (Peinture)"), "{}", refused.body);
    let store = &pages.app.service.store;
    let o = store.operations_of(PLIE).await.unwrap().remove(0);
    assert_eq!((o.state, o.siret.as_deref()), (OperationState::Calibrated, Some(CITY)));

    // The call asks for another figure: it attaches itself, and the difference is told to whoever is in charge.
    pages.app.service.clock.set(at("2027-01-11T10:00:00+01:00"));
    let call = pages.take(&call()).await.unwrap();
    let told = pass(&pages, "2027-01-12T10:00:00+01:00").await;
    assert_eq!(told.iter().map(|(who, _)| who.as_str()).collect::<Vec<_>>(), ["ana"], "{told:?}");
    assert!(
        told[0].1.contains("l’avis demande 600 heures, le calibrage en conseillait 833 : 233 de moins"),
        "{told:?}"
    );
    assert_eq!(store.operations_with(PLIE, &call).await.unwrap()[0].state, OperationState::Called);
    assert!(pass(&pages, "2027-01-14T10:00:00+01:00").await.is_empty(), "told once");
    // As it came: one mail, to her alone.
    let came = got(mails, "ana", "Vos opérations : ce qui est nouveau");
    assert_eq!(came.len(), 1, "{came:?}");
    assert!(came[0].0.contains("600 heures, le calibrage en conseillait 833 : 233 de moins"), "{came:?}");
    assert!(got(mails, "bea", "ce qui est nouveau").is_empty());

    // Two lots are awarded to two companies.
    pages.app.service.clock.set(at("2027-04-01T10:00:00+02:00"));
    pages.take(&award()).await.unwrap();
    let told = pass(&pages, "2027-04-02T10:00:00+02:00").await;
    let body = &told[0].1;
    assert!(body.contains("lot 1 attribué à Martin SARL, 400 heures dues"), "{body}");
    assert!(body.contains("lot 2 attribué à Dupont Peinture, 200 heures dues"), "{body}");
    // Months went by: a session ends before.
    let ana = pages.signed_in("ana").await.unwrap();
    let shown = ok(&ana, &page).await;
    assert!(shown.contains("Attribuée") && shown.contains("Martin SARL") && shown.contains("600"), "{shown}");

    // Hours of six months, from a form and from a table. What cannot be is said, and what was typed stays.
    let hours = format!("{page}/heures");
    for (month, done_hours, why) in [("2027-05", "60", "un mois à venir"), ("2027-03", "douze", "Heures illisibles")] {
        let fields =
            [("mois", month), ("entreprise", "Martin & fils"), ("modalite", "geiq"), ("realisees", done_hours)];
        let refused = ana.post_form(&hours, &fields).await.unwrap();
        assert!(refused.status == 400 && refused.body.contains(why), "{}", refused.body);
        assert!(refused.body.contains("Martin &amp; fils") && refused.body.contains(&format!("value=\"{month}\"")));
    }
    let wrong = [("lot", "9"), ("entreprise", "Durand"), ("dues", "100"), ("debut", "31/02/2027")];
    let refused = ana.post_form(&format!("{page}/lots"), &wrong).await.unwrap();
    assert!(refused.status == 400 && refused.body.contains("Jour illisible"), "{}", refused.body);
    assert!(refused.body.contains("value=\"Durand\""), "{}", refused.body);
    pages.app.service.clock.set(at("2027-10-02T10:00:00+02:00"));
    let ana = pages.signed_in("ana").await.unwrap();
    for (month, done_hours) in [("2027-05", "60"), ("2027-06", "70,5"), ("2027-07", "80")] {
        let fields = [
            ("mois", month),
            ("lot", "1"),
            ("entreprise", "Martin SARL"),
            ("modalite", "temporary"),
            ("prevues", "65"),
            ("realisees", done_hours),
            ("personnes", "3"),
        ];
        let after = ok(&ana, &done(&ana, &hours, &fields).await).await;
        assert!(after.contains("C’est enregistré") && after.contains("value=\"temporary\" selected"), "{after}");
    }
    // What is wrong is said beside what was typed, and nothing is lost.
    let more_women = [
        ("mois", "2027-08"),
        ("entreprise", "Martin SARL"),
        ("modalite", "temporary"),
        ("prevues", "65"),
        ("realisees", "71,5"),
        ("personnes", "2"),
        ("femmes", "3"),
        ("remarque", "chantier de l’école"),
    ];
    let refused = ana.post_form(&hours, &more_women).await.unwrap();
    assert_eq!(refused.status, 400);
    for kept in ["Plus de personnes", "value=\"71,5\"", "value=\"temporary\" selected", "chantier de l’école"] {
        assert!(refused.body.contains(kept), "« {kept} » is missing: {}", refused.body);
    }
    let backwards = [("entreprise", "Bâti Nord"), ("dues", "350"), ("debut", "01/11/2027"), ("fin", "01/10/2027")];
    let refused = ana.post_form(&format!("{page}/lots"), &backwards).await.unwrap();
    assert!(refused.status == 400 && refused.body.contains("value=\"Bâti Nord\""), "{}", refused.body);
    let table = "operation;mois;lot;entreprise;modalite;heures_prevues;heures_realisees;personnes;dont_femmes\n\
        2026-001;2027-08;LOT-01;MARTIN SARL;ETTI;65;100;3;1\n\
        2026-001;2027-09;1;Martin SARL;ETTI;65;104,5;3;1\n\
        2026-001;2027-09;2;Dupont Peinture;embauche directe;100;210;6;5\n\
        2026-001;2027-10;2;Dupont Peinture;embauche directe;beaucoup;;;\n\
        inconnue;2027-10;2;Dupont Peinture;embauche directe;1;1;;\n";
    let read = import(&ana, "heures", table).await;
    let said = plain(&read.body);
    assert_eq!(store.operations_of(PLIE).await.unwrap()[0].state, OperationState::UnderWay, "hours are being done");
    assert!(said.contains("3 lignes ajoutées") && said.contains("2 refusées"), "{said}");
    assert!(said.contains("Ligne 5 : heures illisibles") && said.contains("Ligne 6 : aucune opération"), "{said}");
    let shown = ok(&ana, &hours).await;
    for said in [
        "625",
        "104,2 %",
        "de ce qui est dû",
        "intérim d’insertion",
        "embauche directe",
        "<svg",
        "33,6 %",
        "aria-label=\"Intérim d’insertion : 415 heures réalisées, 66,4 %\"",
    ] {
        assert!(shown.contains(said), "« {said} » is missing: {shown}");
    }

    // In a chat: the list, one, a note that a colleague reads.
    let says = async |who: &str, words: &str| {
        let chat = Chat { channel: Channel::Telegram, id: format!("tg-{who}"), private: true, title: String::new() };
        let sender = Sender { id: who.into(), name: who.into() };
        let input = Input::Text { text: words.to_owned(), about: None, edited: false, forwarded: false };
        let replies = conversation::dispatch(&pages.app.service, Incoming { chat, sender, input }).await.unwrap();
        plain(&replies.iter().map(|r| r.text.text.clone()).collect::<Vec<_>>().join("\n"))
    };
    for who in ["bea", "rival", "jeanne"] {
        let subscriber = store.subscriber(who).await.unwrap().unwrap();
        let addresses = vec![(Channel::Telegram, format!("tg-{who}"), AddressState::Active)];
        store
            .put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, pages.app.service.clock.now())
            .await
            .unwrap();
    }
    assert!(says("bea", "/operations").await.contains("625 heures sur 600"), "{}", says("bea", "/operations").await);
    let one = says("bea", "/operations 2026-001").await;
    assert!(one.contains("Calibrée : 833 heures") && one.contains("600 dues, 425 prévues, 625 réalisées"), "{one}");
    assert!(says("bea", "/operations note 2026-001 : rapport envoyé").await.contains("C’est noté"));
    assert!(ok(&ana, &page).await.contains("rapport envoyé"));
    assert!(says("rival", "/operations").await.contains("aucune opération"));
    assert!(says("rival", "/operations 2026-001").await.contains("ne trouve pas"));
    assert!(says("jeanne", "/operations").await.contains("pour les facilitateurs"));

    // The monthly table, settled once: the same bytes each time, and a word on its day.
    let settled = [
        ("modele", "monthly"),
        ("place_month", "1"),
        ("place_company", "2"),
        ("nom_company", "Titulaire"),
        ("place_done_in_month", "3"),
        ("place_done_in_all", "4"),
        ("place_share", "5"),
        ("jour", "5"),
    ];
    let wrong = [&settled[..settled.len() - 1], &[("jour", "31"), ("acheteur", "Ville & fils")]].concat();
    let refused = ana.post_form("/operations/tableau", &wrong).await.unwrap();
    assert!(refused.status == 400 && refused.body.contains("de 1 à 28"), "{}", refused.body);
    assert!(
        refused.body.contains("value=\"Titulaire\"") && refused.body.contains("Ville &amp; fils"),
        "as it was typed"
    );
    done(&ana, "/operations/tableau", &settled).await;
    let path = "/tableaux/mensuel.csv?mois=2027-09";
    let first = ana.get(path).await.unwrap().body;
    assert_eq!(first, ana.get(path).await.unwrap().body);
    assert_eq!(
        first.trim_start_matches('\u{feff}'),
        "Mois;Titulaire;Heures réalisées dans le mois;Heures réalisées en tout par l’entreprise;Part (%)\n\
         2027-09;Martin SARL;104,5;415;103,8\n2027-09;Dupont Peinture;210;210;105,0\n"
    );
    let told = pass(&pages, "2027-10-05T10:00:00+02:00").await;
    let ready: Vec<&str> =
        told.iter().filter(|(_, b)| b.contains("Votre tableau")).map(|(who, _)| who.as_str()).collect();
    assert_eq!(ready, ["ana", "bea"], "{told:?}");
    assert!(told.iter().any(|(_, b)| b.contains("de septembre 2027") && b.contains("mois=2027-09")), "{told:?}");
    // As it came: the mail holds the file of the page.
    let came = got(mails, "bea", "Votre tableau de septembre 2027 est prêt");
    assert_eq!(came.len(), 1, "{came:?}");
    let [(name, content)] = &came[0].1[..] else { panic!("one file: {came:?}") };
    assert_eq!(name, "vigie-mensuel-2027-09.csv");
    let lines = |text: &str| text.trim_start_matches('\u{feff}').lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&String::from_utf8(content.clone()).unwrap()), lines(&first));
    let mut reasons = String::new();
    for one in store.deliveries(None, 1_000).await.unwrap().into_iter().filter(|d| d.subscriber == "bea") {
        for item in store.items_of(&one.id, "bea", &one.cause).await.unwrap() {
            if item.body.is_some_and(|b| b.contains("Votre tableau")) {
                reasons = item.reasons;
            }
        }
    }
    let attached =
        async |who: &str| vigie_service::operations::report::attached(&pages.app.service, who, &reasons).await.unwrap();
    let file = attached("bea").await.unwrap();
    assert_eq!(file.name, "vigie-mensuel-2027-09.csv");
    // A reader of pages takes the byte-order mark away.
    let bare = |text: &str| text.trim_start_matches('\u{feff}').to_owned();
    assert_eq!(bare(&String::from_utf8(file.content.clone()).unwrap()), bare(&first));
    assert_eq!(attached("jeanne").await, None, "what comes with it is for facilitators");
    assert_ne!(attached("rival").await.map(|f| f.content), Some(file.content), "of their own organisation");
    assert!(!pass(&pages, "2027-10-06T10:00:00+02:00").await.iter().any(|(_, b)| b.contains("Votre tableau")));
    // Who is away on its day has it once they are back, and nobody has it twice.
    let away = Absence { from: None, until: at("2027-11-12T00:00:00+01:00"), stand_in: None };
    store.set_absence("bea", Some(&away)).await.unwrap();
    for (day, whom) in [("05", &["ana"][..]), ("06", &[]), ("13", &["bea"]), ("14", &[])] {
        let told = pass(&pages, &format!("2027-11-{day}T10:00:00+01:00")).await;
        let ready: Vec<&str> =
            told.iter().filter(|(_, b)| b.contains("Votre tableau")).map(|(who, _)| who.as_str()).collect();
        assert_eq!(ready, whom, "{day} {told:?}");
        assert!(
            told.iter().all(|(_, b)| !b.contains("Votre tableau") || b.contains("Aucune heure n’est encore rendue"))
        );
    }

    // Nobody else finds any of it.
    let id = page.rsplit('/').next().unwrap();
    for who in ["rival", "jeanne"] {
        let visitor = pages.signed_in(who).await.unwrap();
        for route in vigie_web::PATHS.iter().filter(|p| p.starts_with("/operations") || p.starts_with("/tableaux")) {
            let path = route.replace("{id}", id);
            let mut answers = vec![visitor.get(&path).await.unwrap()];
            answers
                .push(visitor.post_form(&path, &[("mois", "2027-05"), ("texte", "x"), ("sur", "oui")]).await.unwrap());
            answers.push(visitor.post_files(&path, &[], &[]).await.unwrap());
            for answer in answers {
                assert!(
                    !answer.body.contains("Jaurès") || route.contains("recherche") || route.contains("a-calibrer"),
                    "{who} sees it at {path}"
                );
                assert!(answer.status != 500, "{who} at {path}: {}", answer.body);
            }
            let own = who == "rival" && !route.contains("{id}")
                || route.starts_with("/tableaux")
                    && !route.contains("operations")
                    && !route.contains("heures")
                    && !route.contains("mensuel");
            assert!(
                own || [404, 405, 400].contains(&visitor.get(&path).await.unwrap().status.as_u16()),
                "{who} {path}"
            );
        }
    }
    assert_eq!(store.operations_of(PLIE).await.unwrap().len(), 1, "nor taken away");
    assert_eq!(store.hours_of(PLIE, None).await.unwrap().len(), 6);
}

/// Cells that spreadsheets, pages and readers of tables stumble over.
const HOSTILE: [&str; 12] = [
    "=HYPERLINK(\"http://exemple\")",
    "'=déjà protégé",
    "-3 heures",
    "@somme",
    "point;virgule, guillemet \" et apostrophe '",
    "<script>alert(1)</script>",
    "été œuvre ç ÿ €",
    "'",
    "\"\"",
    "{{ modèle }}",
    "株式会社",
    "\u{202e}à l’envers",
];

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_operations_with_hostile_cells_come_back_as_they_left_and_bad_rows_say_their_line() {
    let pages = Pages::start(at("2026-11-24T10:00:00+01:00"), "").await.unwrap();
    cast(&pages).await;
    let service = &pages.app.service;
    let mut file = vec![
        ["reference", "objet", "acheteur", "etat", "montant", "date_etape", "remarque"].map(str::to_owned).to_vec(),
    ];
    let mut wrong = Vec::new();
    for n in 0..1_000_usize {
        let cell = HOSTILE[n % HOSTILE.len()];
        let mut row = vec![
            format!("R-{n}"),
            format!("{cell} {n}"),
            cell.to_owned(),
            "calibrée".into(),
            n.to_string(),
            String::new(),
            cell.to_owned(),
        ];
        match n % 50 {
            7 => row[1].clear(),
            17 => row[3] = "peut-être".into(),
            27 => row[4] = "cher".into(),
            37 => row[5] = "31/02/2027".into(),
            47 => row[0] = "R-0".into(),
            // Half-filled: the rest of the row is not there at all.
            3 => row.truncate(2),
            _ => {}
        }
        if [7, 17, 27, 37, 47].contains(&(n % 50)) {
            wrong.push(n as u64 + 2);
        }
        file.push(row);
    }
    let bytes = vigie_service::spreadsheet::written(&file[0], &padded(&file[1..])).unwrap();
    let done = tables::import(service, PLIE, &bytes).await.unwrap().unwrap();
    assert_eq!((done.made, done.changed, done.same), (900, 0, 0));
    assert_eq!(done.refused.iter().map(|(line, _)| *line).collect::<Vec<_>>(), wrong, "each with its line");
    for (line, why) in &done.refused {
        let wanted = match (line - 2) % 50 {
            7 => "l’objet manque",
            17 => "état inconnu « peut-être »",
            27 => "montant illisible « cher »",
            37 => "date illisible",
            _ => "déjà plus haut",
        };
        assert!(why.contains(wanted), "{line}: {why}");
    }
    let again = tables::import(service, PLIE, &bytes).await.unwrap().unwrap();
    assert_eq!((again.made, again.changed, again.same), (0, 0, 900), "nothing is doubled");

    // Out by the page, into another organisation, and out again: the same bytes.
    let ana = pages.signed_in("ana").await.unwrap();
    let first = ana.get("/tableaux/operations.csv").await.unwrap().body;
    assert!(!first.split([';', '\n']).any(|c| c.trim_matches('"').starts_with(['=', '@'])), "no formula");
    let rival = pages.signed_in("rival").await.unwrap();
    let read = import(&rival, "operations", &first).await;
    let said = plain(&read.body);
    assert!(said.contains("900 lignes ajoutées") && !said.contains("refusée"), "{said}");
    assert_eq!(rival.get("/tableaux/operations.csv").await.unwrap().body, first);
    let o = service.store.operation_of_reference(OTHERS, "R-1").await.unwrap().unwrap();
    assert_eq!((o.buyer.as_str(), o.title.as_str()), ("'=déjà protégé", "'=déjà protégé 1"));
    let page = rival.get("/operations?mots=alert").await.unwrap().body;
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"), "{page}");
    assert!(page.len() < 60_000, "{}", page.len());

    let columns = "objet;etat\nx;calibrée\n";
    let answer = import(&rival, "operations", columns).await;
    assert!(answer.status == 400 && answer.body.contains("reference"), "{}", answer.body);
}

/// A call above the thresholds that says nothing social.
fn bare() -> Notice {
    let mut notice = notice("27-10007", NoticeKind::Call, "Fourniture et pose de mobilier urbain", "2027-01-11");
    let closes = DateTime::parse_from_rfc3339("2027-02-15T12:00:00+01:00").unwrap();
    notice.dates.push(TypedDate::of_field(DateKind::Tender, (closes, true), "dateReceptionOffres"));
    notice.above_eu_threshold = true;
    notice
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_that_no_notice_shows_is_told_to_facilitators_and_settled_for_everybody() {
    let pages = Pages::start(at("2027-01-11T10:00:00+01:00"), "").await.unwrap();
    cast(&pages).await;
    let of_62 = Filter { departments: Department::parse("62").into_iter().collect(), ..Filter::default() };
    for who in ["ana", "jeanne"] {
        pages.subscription(who, &of_62).await.unwrap();
    }
    let store = &pages.app.service.store;
    let procedure = pages.take(&bare()).await.unwrap();
    let unseen = async || {
        let notices = store.notices_of(&procedure).await.unwrap();
        let all = notices.iter().flat_map(|n| n.assessment.provisions.clone());
        all.filter(|p| p.kind == ProvisionKind::SocialConditionNotSeen).collect::<Vec<_>>()
    };
    assert_eq!(unseen().await.len(), 1, "the notice shows none");
    let told = pass(&pages, "2027-01-12T10:00:00+01:00").await;
    assert_eq!(told.iter().map(|(who, _)| who.as_str()).collect::<Vec<_>>(), ["ana", "bea"], "{told:?}");
    assert!(
        told[0].1.contains("Sans condition sociale vue dans l’avis, à vérifier au CCAP : « Fourniture"),
        "{told:?}"
    );
    assert!(pass(&pages, "2027-01-14T10:00:00+01:00").await.is_empty(), "told once");

    let ana = pages.signed_in("ana").await.unwrap();
    assert!(ok(&ana, "/operations/a-verifier").await.contains("mobilier urbain"));
    done(&ana, "/operations/a-verifier", &[("marche", &procedure), ("dire", "absente")]).await;
    let said = unseen().await;
    assert!(said.len() == 1 && said[0].doubt.as_deref() == Some(operations::unseen::ABSENT), "{said:?}");
    assert!(!ok(&ana, "/operations/a-verifier").await.contains("mobilier urbain"), "nothing is left to verify");
    done(&ana, "/operations/a-verifier", &[("marche", &procedure), ("dire", "vue"), ("heures", "300")]).await;
    assert!(unseen().await.is_empty());
    let shown = ok(&pages.stranger().unwrap(), &format!("/procedure/{procedure}")).await;
    assert!(shown.contains("300 heures"), "{shown}");
    let again = ana.post_form("/operations/a-verifier", &[("marche", &procedure), ("dire", "absente")]).await.unwrap();
    assert_eq!(again.status, 400, "it shows a condition now");
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let refused = jeanne.post_form("/operations/a-verifier", &[("marche", &procedure), ("dire", "absente")]).await;
    assert_eq!(refused.unwrap().status, 404);
}

/// Rows as long as the head.
fn padded(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    rows.iter()
        .map(|r| {
            let mut row = r.clone();
            row.resize(7, String::new());
            row
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_purchase_alike_is_proposed_and_a_person_says() {
    let pages = Pages::start(at("2027-01-11T10:00:00+01:00"), "").await.unwrap();
    cast(&pages).await;
    let service = &pages.app.service;
    let of = |reference: &str, title: &str| format!("{reference};{title};{CITY};20\n");
    let table = format!(
        "reference;objet;siret_acheteur;montant\n{}{}",
        of("A", "Réhabilitation de l’école Jean Jaurès"),
        of("B", "École Jean Jaurès : réhabilitation de la cour")
    );
    tables::import(service, PLIE, table.as_bytes()).await.unwrap().unwrap();
    let procedure = pages.take(&call()).await.unwrap();
    operations::run(service, service.clock.now()).await.unwrap();
    assert!(service.store.operations_with(PLIE, &procedure).await.unwrap().is_empty(), "two could be meant");
    let a = service.store.operation_of_reference(PLIE, "A").await.unwrap().unwrap();
    let ana = pages.signed_in("ana").await.unwrap();
    let page = format!("/operations/{}", a.id);
    assert!(ok(&ana, &page).await.contains("À rattacher ?"));
    done(&ana, &format!("{page}/marche"), &[("marche", &procedure), ("dire", "oui")]).await;
    let attached = service.store.operations_with(PLIE, &procedure).await.unwrap();
    assert_eq!((attached.len(), attached[0].state), (1, OperationState::Called));
    done(&ana, &format!("{page}/marche"), &[("marche", "27-10001"), ("dire", "non")]).await;
    service.clock.set(service.clock.now() + Duration::hours(2));
    operations::run(service, service.clock.now()).await.unwrap();
    assert!(service.store.operations_with(PLIE, &procedure).await.unwrap().is_empty(), "what a person said stands");
    let unknown = ana.post_form(&format!("{page}/marche"), &[("marche", "99-99999")]).await.unwrap();
    assert_eq!(unknown.status, 400);
}
