use super::*;
use crate::card::{Links, Why, change};
use vigie_domain::procedure::Change;
use vigie_domain::{
    Assessment, Beneficiary, DateKind, Evidence, Notice, NoticeKind, ProcedureState, Provision, ProvisionKind,
    TypedDate,
};

fn assessment(title: &str) -> Assessment {
    let mut p = Provision::new(
        ProvisionKind::Reserved,
        Evidence { field: Some("f".into()), quote: Some("réservé aux <b>EA</b>".into()) },
    );
    p.beneficiary = Some(Beneficiary::Disability);
    Assessment {
        title: title.into(),
        buyer: Some("Ville de Lille".into()),
        dates: vec![TypedDate {
            kind: DateKind::Tender,
            at: DateTime::parse_from_rfc3339("2027-01-12T12:00:00+01:00").unwrap(),
            has_time: true,
            mandatory: false,
            quote: None,
            field: None,
            lot: None,
        }],
        provisions: vec![p],
        score: 70,
        reasons: vec!["Réservé aux EA et ESAT".into()],
        ..Assessment::new("26-1", NoticeKind::Call)
    }
}

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-12-22T08:00:00Z").unwrap().with_timezone(&Utc)
}

fn render(form: Form, title: &str) -> Message {
    let templates = Templates::load(None).unwrap();
    let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
    notice.url = Some("https://www.boamp.fr/pages/avis/?q=idweb:26-1".into());
    let (a, why) = (assessment(title), Why::default());
    let told = AlertItem {
        kind: AlertKind::New,
        changes: &[],
        notice: &notice,
        assessment: &a,
        state: &ProcedureState::of_verdict(&a, now()),
        why: &why,
        noticed: now(),
        contacts: &[],
        stands: None,
        links: Links {
            page: Some("https://vigie.example/procedure/p1"),
            answer: Some(ANSWER_HERE),
            ..Links::default()
        },
    };
    templates.alert(form, &told, Some("https://vigie.example/x".into()), now()).unwrap()
}

#[test]
fn a_message_says_what_when_where_and_why() {
    let message = render(Form::Mail, "Nettoyage des écoles");
    for wanted in [
        "Nettoyage des écoles",
        "Ville de Lille",
        "mardi 12 janvier 2027 à 12\u{a0}h",
        "dans 21\u{a0}jours",
        "EA et ESAT",
        "idweb:26-1",
    ] {
        assert!(message.text().contains(wanted), "{wanted} in {}", message.text());
    }
    assert!(message.subject.contains("Nettoyage des écoles"), "{}", message.subject);
}

/// The words that a reader sees, whatever stands in links, style or comments.
fn words(text: &str, html: bool) -> std::collections::BTreeSet<String> {
    let mut seen = text.to_owned();
    let hidden: &[(&str, &str)] = if html {
        &[("<head", "</head>"), ("<div style=\"display:none", "</div>"), ("<!--", "-->"), ("<", ">")]
    } else {
        seen = seen.split_whitespace().filter(|w| !w.starts_with("http")).collect::<Vec<_>>().join(" ");
        &[]
    };
    for (from, to) in hidden {
        while let Some(at) = seen.find(from) {
            let end = seen[at..].find(to).map_or(seen.len(), |n| at + n + to.len());
            seen.replace_range(at..end, "\n");
        }
    }
    let plain = seen.replace("&nbsp;", " ").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let lower = plain.to_lowercase();
    lower.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_plain_text_says_all_that_the_html_says() {
    let templates = Templates::load(None).unwrap().with_answers(true);
    let mut notice = Notice::new("boamp", "26-1", NoticeKind::Call);
    notice.url = Some("https://www.boamp.fr/avis/26-1".into());
    notice.documents_url = Some("https://dossier.example/1".into());
    let mut a = assessment("Nettoyage");
    a.dates[0].quote = Some("avant midi précises".into());
    a.facts.push(vigie_domain::DecisionFact {
        kind: vigie_domain::FactKind::Duration,
        value: Some(12.0),
        evidence: Evidence { field: None, quote: Some("durée ferme".into()) },
        lot: None,
    });
    a.lots = (1..=14)
        .map(|n| vigie_domain::assessment::AssessedLot {
            id: n.to_string(),
            title: format!("intitulé{n}"),
            ..Default::default()
        })
        .collect();
    a.awards.push(vigie_domain::notice::Award {
        lot: Some("2".into()),
        winners: vec!["Gagnante".into()],
        amount: Some(12_500.0),
        ..Default::default()
    });
    let why = Why { note: Some("groupé".into()), remark: Some("remarque".into()), ..Why::default() };
    let contacts = ["Facilitatrice".to_owned()];
    let links =
        Links { page: Some("https://vigie.example/procedure/p1"), answer: Some(ANSWER_HERE), ..Links::default() };
    let changes = [Change::LotDropped("3".into())];
    let state = ProcedureState::of_verdict(&a, now());
    let told = |kind| AlertItem {
        kind,
        changes: &changes,
        notice: &notice,
        assessment: &a,
        state: &state,
        why: &why,
        noticed: now(),
        contacts: &contacts,
        stands: None,
        links,
    };
    let leave = || Some("https://vigie.example/desabonner/x".to_owned());
    let ask = Ask {
        wishes: vec!["Nord".into()],
        markets: vec!["Linge des écoles, avant le 12 janvier 2027".into()],
        link: Some("https://vigie.example/confirmer/x".into()),
        until: "12 janvier".into(),
        given_by: Vec::new(),
        by_reply: true,
        again: false,
        purpose: "prévenir".into(),
        forgotten_after: 15,
        retention: vec!["journal".into()],
    };
    let mail = Form::Mail;
    let many = [told(AlertKind::New), told(AlertKind::Undecided)];
    for (name, message) in [
        ("alert", templates.alert(mail, &told(AlertKind::Correction), leave(), now()).unwrap()),
        ("reminder", templates.alert(mail, &told(AlertKind::Reminder), leave(), now()).unwrap()),
        (
            "digest",
            templates
                .digest(
                    mail,
                    (&many, Vec::new()),
                    Shown::ScreenAndPage("https://vigie.example/r".into()),
                    leave(),
                    now(),
                )
                .unwrap(),
        ),
        ("word", templates.word(mail, "Titre\nligne une\nligne deux", leave()).unwrap()),
        ("ask", templates.ask(mail, &ask, leave()).unwrap()),
        ("sign-in", templates.sign_in(mail, "https://vigie.example/entrer/x").unwrap()),
        ("operator", templates.operator(mail, "Alarme", "corps\nde plus").unwrap()),
    ] {
        let (html, text) = (words(message.html().unwrap_or_default(), true), words(message.text(), false));
        // How the HTML speaks of a button, where the text shows an address.
        const BUTTON: [&str; 5] = ["bouton", "confirmer", "m", "ouvre", "où"];
        let lacking: Vec<&String> = html.difference(&text).filter(|w| !BUTTON.contains(&w.as_str())).collect();
        assert!(lacking.is_empty(), "{name}: the text lacks {lacking:?}\n{}", message.text());
        assert!(html.len() > 5, "{name}: {html:?}");
    }
}

#[test]
fn outside_text_breaks_neither_header_nor_page() {
    let message = render(Form::Mail, "Titre\r\nBcc: x@y.fr\t<script>alert(1)</script>");
    assert!(!message.subject.contains(['\r', '\n', '\t']), "{:?}", message.subject);
    let html = message.html().unwrap();
    assert!(!html.contains("<script>") && !html.contains("<b>EA</b>"), "{html}");
}

#[test]
fn a_chat_reads_the_same_in_short() {
    let message = render(Form::Chat, "Nettoyage <b>des</b> écoles & \u{1f3eb}");
    let chat = message.chat();
    assert!(chat.utf16_len() <= 1200, "{}", chat.utf16_len());
    for wanted in [
        "Nettoyage <b>des</b> écoles & \u{1f3eb}",
        "Ville de Lille",
        "dans 21 jours",
        "« réservé aux <b>EA</b> »",
        "Voir sur Vigie",
        "Lire l’avis",
    ] {
        assert!(chat.text.contains(wanted), "{wanted} in {}", chat.text);
    }
    assert!(!chat.text.contains("\n\n\n"), "{}", chat.text);
}

#[test]
fn an_operator_s_template_that_no_chat_can_show_is_named() {
    let dir = std::env::temp_dir().join(format!("vigie-chat-template-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("operateur.chat.html"), "<h1>{{ title }}</h1>").unwrap();
    let fault = Templates::load(Some(&dir)).unwrap().operator(Form::Chat, "titre", "corps").unwrap_err().to_string();
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(fault.contains("operateur.chat.html") && fault.contains("h1"), "{fault}");
}

#[test]
fn a_moved_date_is_told_in_full() {
    let at = |t: &str| Some(DateTime::parse_from_rfc3339(t).unwrap());
    let moved = Change::Date {
        kind: DateKind::Tender,
        from: at("2027-01-12T12:00:00+01:00"),
        to: at("2027-01-20T12:00:00+01:00"),
    };
    assert_eq!(
        change(&moved),
        "La date limite des offres passe du 12 janvier 2027 à 12\u{a0}h au 20 janvier 2027 à 12\u{a0}h"
    );
}

#[test]
fn long_titles_are_cut_at_a_word() {
    let cut = short(&"mot ".repeat(100), 50);
    assert!(cut.chars().count() <= 50 && cut.ends_with("mot…"), "{cut}");
}

proptest::proptest! {
    #[test]
    fn any_title_makes_a_valid_message(title in "\\PC{0,400}|[\\x00-\\x7f]{0,200}") {
        let message = render(Form::Chat, &title);
        proptest::prop_assert!(message.subject.chars().count() <= 200 && !message.subject.chars().any(char::is_control));
        proptest::prop_assert!(message.chat().utf16_len() <= 1200);
        proptest::prop_assert!(!render(Form::Mail, &title).text().is_empty());
    }
}
