//! What is ahead and what is kept: purchases to be calibrated, lots that could be reserved, notes on markets, what a chat changes of an
//! operation.

use vigie_domain::StructureKind;
use vigie_domain::directory::Structure;
use vigie_service::operations::hours_table;
use vigie_service::operations::report::{self, Column, Layout, Model};
use vigie_store::choices::Choice;
use vigie_store::operation_hours::OperationLot;

use super::*;

async fn of_62(pages: &Pages, who: &str) {
    let filter = Filter { departments: Department::parse("62").into_iter().collect(), ..Filter::default() };
    pages.subscription(who, &filter).await.unwrap();
}

/// Somebody who also has a chat.
async fn with_chat(pages: &Pages, who: &str) {
    let store = &pages.app.service.store;
    let subscriber = store.subscriber(who).await.unwrap().unwrap();
    let addresses = vec![(Channel::Telegram, format!("tg-{who}"), AddressState::Active)];
    let known = NewSubscriber { subscriber, addresses, declared: false };
    store.put_subscriber(&known, pages.app.service.clock.now()).await.unwrap();
}

/// What is answered to somebody who says that in their chat, perhaps under an alert.
async fn says(pages: &Pages, who: &str, words: &str, about: Option<&str>) -> String {
    let chat = Chat { channel: Channel::Telegram, id: format!("tg-{who}"), private: true, title: String::new() };
    let sender = Sender { id: who.into(), name: who.into() };
    let input =
        Input::Text { text: words.to_owned(), about: about.map(str::to_owned), edited: false, forwarded: false };
    let replies = conversation::dispatch(&pages.app.service, Incoming { chat, sender, input }).await.unwrap();
    plain(&replies.iter().map(|r| r.text.text.clone()).collect::<Vec<_>>().join("\n"))
}

fn structure(n: u32, name: &str, kind: StructureKind, naf: &str) -> Structure {
    Structure {
        siret: format!("8074693170{n:04}"),
        name: name.into(),
        kind,
        sectors: Vec::new(),
        departments: Department::parse("62").into_iter().collect(),
        place: Some(Place { city: Some("Lens".into()), postcode: Some("62300".into()), nuts: None }),
        naf: Some(naf.into()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_planned_purchase_is_told_once_to_be_calibrated_with_who_could_take_it_on() {
    let pages = Pages::start(at("2026-11-24T10:00:00+01:00"), "").await.unwrap();
    cast(&pages).await;
    of_62(&pages, "ana").await;
    with_chat(&pages, "bea").await;
    let service = &pages.app.service;
    let mut park = notice("p-2", NoticeKind::Planned, "Entretien des espaces verts du parc des Cytises", "2026-11-23");
    park.source = "approch".into();
    park.places = vec![Place { city: Some("Lens".into()), postcode: Some("62300".into()), nuts: None }];
    let school = pages.take(&planned()).await.unwrap();
    let park = pages.take(&park).await.unwrap();
    let told = pass(&pages, "2026-11-24T10:00:00+01:00").await;
    assert_eq!(told.iter().map(|(who, _)| who.as_str()).collect::<Vec<_>>(), ["ana", "bea"], "{told:?}");
    let body = &told[0].1;
    let wanted = "À calibrer avant publication : « Réhabilitation de l’école Jean Jaurès », Ville de Lens, 1 000 000 €";
    assert!(body.contains(wanted) && body.contains("parc des Cytises"), "{body}");
    assert!(body.contains("/operations/a-calibrer"), "{body}");
    assert!(pass(&pages, "2026-11-26T10:00:00+01:00").await.is_empty(), "told once");
    let list = says(&pages, "bea", "/operations achats", None).await;
    assert!(list.starts_with("2 achats à calibrer") && list.contains("Jean Jaurès"), "{list}");

    // Who could take it on, of those who let themselves be proposed.
    let entries = [
        structure(1, "Jardins de Lens", StructureKind::Aci, "8130Z"),
        structure(2, "Espaces du bassin", StructureKind::Ei, "8130Z"),
        structure(3, "ESAT des Cytises", StructureKind::Esat, "8130Z"),
        structure(4, "Jamais proposée", StructureKind::Ei, "8130Z"),
        structure(5, "Propre et net", StructureKind::Ei, "8121Z"),
    ];
    service.store.put_entries(&entries, service.clock.now()).await.unwrap();
    let never = (Choice::NeverProposed, "");
    service.store.choose(&entries[3].siret, never, true, "x", service.clock.now()).await.unwrap();
    let ana = pages.signed_in("ana").await.unwrap();
    // What nobody follows yet is in the table of planned purchases, as the followed one is.
    let page = done(&ana, "/operations/suivre", &[("procedure", &park)]).await;
    let layout = Layout::of(Model::Planned);
    let month = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
    let table = report::monthly(service, PLIE, &layout, month).await.unwrap();
    let column = |wanted: Column| layout.columns.iter().position(|(c, _)| *c == wanted).unwrap();
    let objects: Vec<&str> = table.rows.iter().map(|r| r[column(Column::Operation)].as_str()).collect();
    assert_eq!(objects, ["Entretien des espaces verts du parc des Cytises", "Réhabilitation de l’école Jean Jaurès"]);
    let reach = &table.rows[0][column(Column::InReach)];
    assert!(reach.starts_with("3 : ") && reach.contains("ESAT des Cytises"), "{reach}");
    assert!(!table.rows[0][column(Column::Trades)].is_empty(), "{:?}", table.rows);
    // The sheet is filled with the trade, and says to whom the lot could be reserved.
    let shown = ok(&ana, &format!("{page}/calibrage")).await;
    for said in ["3 SIAE", "Jamais proposée", "Propre et net"] {
        assert!(!shown.contains(said), "« {said} »: {shown}");
    }
    for said in ["Des lots à réserver", "2 SIAE à portée", "1 EA et ESAT à portée", "L2113-13", "Jardins de Lens (ACI"]
    {
        assert!(shown.contains(said), "« {said} » is missing: {shown}");
    }
    assert!(!says(&pages, "bea", "/operations achats", None).await.contains("Cytises"), "it is followed");
    assert_ne!(school, park);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_changes_an_operation_and_a_note_on_a_market_makes_one_for_colleagues() {
    let pages = Pages::start(at("2027-01-11T10:00:00+01:00"), "").await.unwrap();
    cast(&pages).await;
    for who in ["bea", "rival"] {
        with_chat(&pages, who).await;
    }
    of_62(&pages, "bea").await;
    let service = &pages.app.service;
    let table = format!(
        "reference;objet;acheteur;siret_acheteur;programme\nA-1;Voirie du quartier;Lens;{CITY};NPNRU\nB-2;Peinture de la mairie;Arras;;\n"
    );
    tables::import(service, PLIE, table.as_bytes()).await.unwrap().unwrap();
    let said = says(&pages, "bea", "/operations étape A-1 : 15/03/2027 appeler la ville", None).await;
    assert!(said.contains("C’est noté") && said.contains("À faire : appeler la ville, le 15 mars 2027"), "{said}");
    says(&pages, "bea", "/operations pour A-1 : ANA", None).await;
    says(&pages, "bea", "/operations état A-1 : en exécution", None).await;
    let o = service.store.operation_of_reference(PLIE, "A-1").await.unwrap().unwrap();
    assert_eq!((o.in_charge.as_str(), o.state), ("ana", OperationState::UnderWay), "as the colleague is called");
    assert_eq!((o.next_step.as_str(), o.next_on), ("appeler la ville", NaiveDate::from_ymd_opt(2027, 3, 15)));
    for (condition, found, not) in [
        ("npnru", "A-1", "B-2"),
        ("en exécution", "A-1", "B-2"),
        ("acheteur Arras", "B-2", "A-1"),
        ("suivies par ana", "A-1", "B-2"),
        ("territoire quartier", "A-1", "B-2"),
    ] {
        let list = says(&pages, "bea", &format!("/operations {condition}"), None).await;
        assert!(list.contains(found) && !list.contains(not), "{condition}: {list}");
    }
    assert!(says(&pages, "bea", "/operations état A-1 : bientôt", None).await.contains("Par exemple"));
    assert!(says(&pages, "rival", "/operations état A-1 : terminée", None).await.contains("ne trouve pas"));

    // A market that nobody follows: a note under its alert, then one on its page.
    let procedure = pages.take(&call()).await.unwrap();
    let deliveries = service.store.deliveries(None, 100).await.unwrap();
    let alert = deliveries.into_iter().find(|d| d.subscriber == "bea" && d.channel == Channel::Telegram).unwrap();
    let said = says(&pages, "bea", "note : clause à discuter avec la ville", Some(&alert.id)).await;
    assert!(said.contains("C’est noté pour vos collègues") && said.contains("que vous suivez désormais"), "{said}");
    let ana = pages.signed_in("ana").await.unwrap();
    let page = format!("/procedure/{procedure}");
    assert!(ok(&ana, &page).await.contains("clause à discuter avec la ville"));
    let noted = [("procedure", procedure.as_str()), ("texte", "vue au CCAP")];
    assert_eq!(done(&ana, "/operations/suivre", &noted).await, format!("{page}#notes"));
    let o = service.store.operations_with(PLIE, &procedure).await.unwrap();
    assert_eq!(o.len(), 1);
    let notes = service.store.operation_notes(PLIE, &o[0].id).await.unwrap();
    assert_eq!(notes.len(), 2);
    let (rival, jeanne) = (pages.signed_in("rival").await.unwrap(), pages.signed_in("jeanne").await.unwrap());
    for other in [&rival, &jeanne, &pages.stranger().unwrap()] {
        let shown = ok(other, &page).await;
        assert!(!shown.contains("clause à discuter") && !shown.contains("vue au CCAP"), "colleagues' alone");
    }
    assert_eq!(jeanne.post_form("/operations/suivre", &noted).await.unwrap().status, 404);

    // A market that is typed by its title: the form again, with what is wrong, and what was typed.
    let wrong = [("marche", "Travaux de l’école"), ("dire", "oui")];
    let again = ana.post_form(&format!("/operations/{}/marche", o[0].id), &wrong).await.unwrap();
    assert_eq!(again.status, 400);
    assert!(
        again.body.contains("Un titre ne suffit pas") && again.body.contains("Travaux de l’école"),
        "{}",
        again.body
    );

    // Hours far from what is owed, without a plan: said on the list.
    let lot = vigie_domain::operation::LotOwed {
        lot: "1".into(),
        company: "Martin SARL".into(),
        owed: vigie_domain::Hours::whole(1_200),
        starts: NaiveDate::from_ymd_opt(2026, 1, 1),
        ends: NaiveDate::from_ymd_opt(2027, 12, 31),
        ..Default::default()
    };
    service.store.put_lots(PLIE, &[OperationLot { operation: o[0].id.clone(), lot }]).await.unwrap();
    assert!(ok(&ana, "/operations").await.contains("heures en retard"));
    assert!(ok(&ana, &format!("/operations/{}", o[0].id)).await.contains("un rythme régulier en donnerait"));
    assert!(says(&pages, "bea", &format!("/operations {}", o[0].reference), None).await.contains("rythme régulier"));
}

#[tokio::test(flavor = "multi_thread")]
async fn models_of_tables_are_taken_as_they_are() {
    let pages = Pages::start(at("2027-01-11T10:00:00+01:00"), "").await.unwrap();
    cast(&pages).await;
    let ana = pages.signed_in("ana").await.unwrap();
    for (what, import) in [("operations", "operations"), ("heures", "heures")] {
        let model = ana.get(&format!("/tableaux/modele-{what}.csv")).await.unwrap();
        let read = super::import(&ana, import, &model.body).await;
        assert!(plain(&read.body).contains("1 ligne ajoutée") && !read.body.contains("refusée"), "{}", read.body);
    }
    assert_eq!(hours_table::MODEL.len(), hours_table::COLUMNS.len());
}
