//! What follows an award, end to end: from the doubles of BOAMP and of the essential data, through the real readers, the database, the
//! scheduler and the outbox, under a simulated clock.

use std::sync::Arc;

use chrono::{DateTime, Duration, NaiveDate, Utc};
use mail_parser::MessageParser;
use serde_json::{Value, json};
use vigie_bot::roles::{poll, scheduler};
use vigie_bot::setup::App;
use vigie_config::settings;
use vigie_delivery::worker;
use vigie_domain::award::Award;
use vigie_domain::contract::{self, Published};
use vigie_domain::directory::CommittedBuyer;
use vigie_domain::procedure::Status;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{
    Cadence, Channel, Company, ContractState, Department, Filter, Notice, NoticeKind, OfferStage, Stage, StructureKind,
    Subscriber,
};
use vigie_service::after_award::accounts::{self, Followed};
use vigie_service::after_award::offers;
use vigie_service::contract_by_hand::{self, Said};
use vigie_service::decisions::{self, DecisionEdit, Seen};
use vigie_service::{Clock, ingest, sources};
use vigie_store::contracts::ContractQuery;
use vigie_store::people::{AddressState, NewSubscriber};
use vigie_tests::pages::Pages;
use vigie_tests::publishers::Publishers;
use vigie_tests::replay::Replay;
use vigie_tests::servers::Smtp;
use vigie_tests::{service, shared};
use vigie_watcher::classify;
use vigie_watcher::sources::decp;
use vigie_watcher::sources::eforms;
use vigie_watcher::tree;

const CITY: &str = "21590350100017";
const CLAUSE: &str = "Lot 1 : le titulaire réserve 300 heures de travail à des personnes éloignées de l’emploi (clause sociale d’insertion obligatoire).";

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().with_timezone(&Utc)
}

/// A record of the national form of BOAMP.
fn record(id: &str, day: &str, nature: &str, of: Option<&str>, form: Value) -> Value {
    let donnees = json!({"FNSimple": form});
    json!({"idweb": id, "objet": "Nettoyage des écoles et des gymnases", "dateparution": day, "nature": nature, "etat": "INITIAL", "famille": "FNS",
        "nomacheteur": "Ville de Lille", "code_departement": ["59"], "donnees": donnees.to_string(), "gestion": null, "annonce_lie": of.map(|id| vec![id]),
        "url_avis": format!("https://www.boamp.fr/pages/avis/?q=idweb:{id}")})
}

fn buyer() -> Value {
    json!({"nomOfficiel": "Ville de Lille", "codeIdentificationNational": CITY, "ville": "Lille", "cp": "59000"})
}

/// A call in three lots; the first owes hours.
fn call(id: &str, day: &str, closes: &str) -> Value {
    let lots: Vec<Value> =
        [("1", "Nettoyage des écoles"), ("2", "Vitrerie des gymnases"), ("3", "Nettoyage des vestiaires")]
            .iter()
            .map(|(n, title)| json!({"numLot": n, "intitule": title}))
            .collect();
    record(
        id,
        day,
        "APPEL_OFFRE",
        None,
        json!({"organisme": buyer(), "initial": {
        "natureMarche": {"intitule": "Nettoyage des écoles et des gymnases", "codeCPV": {"objetPrincipal": {"classPrincipale": "90911200"}},
            "lieuExecution": "59000 Lille", "lotsMarche": {"lot": lots}, "dureeMois": "24"},
        "procedure": {"dateReceptionOffres": closes}, "informComplementaire": {"autresInformComplementaire": CLAUSE}}}),
    )
}

/// The award of a lot.
fn award(id: &str, (of, lot): (&str, &str), day: &str) -> Value {
    record(
        id,
        day,
        "ATTRIBUTION",
        Some(of),
        json!({"organisme": buyer(), "attribution": {
        "decision": {"numLot": lot, "titulaire": {"denomination": "MARTIN SARL", "ville": "Lens", "cp": "62300"}, "renseignement": {"montant": "120000"}}}}),
    )
}

struct Bench {
    app: Arc<App>,
    boamp: Replay,
    publishers: Publishers,
    sources: Vec<sources::Watched>,
    smtp: Smtp,
    _dir: tempfile::TempDir,
}

impl Bench {
    /// `None` where no mail server is at hand.
    async fn new(now: DateTime<Utc>) -> Option<Self> {
        let smtp = Smtp::start(&[])?;
        let dir = tempfile::tempdir().unwrap();
        let (boamp, publishers) = (Replay::new(Vec::new()), Publishers::default());
        let (api, _) = boamp.serve().await.unwrap();
        let root = publishers.serve().await.unwrap();
        let url = format!("sqlite:{}", dir.path().join("c.sqlite").display());
        let mut settings = service::settings(&url, smtp.port, 2).unwrap();
        settings.fetch.allow_private = vec!["127.0.0.0/8".into()];
        settings.fetch.host_gap_ms = 0;
        let block = |text: String| -> settings::Source { toml::from_str(&text).unwrap() };
        settings.source = vec![
            block(format!("id = 'boamp'\nkind = 'boamp'\nurl = '{api}'\nbaseline = 'deliver'\nlookback_days = 400")),
            block(format!(
                "id = 'decp'\nkind = 'decp'\nurl = '{root}/api/resources/x/data/'\nbaseline = 'deliver'\nlookback_days = 400"
            )),
            block(format!(
                "id = 'profil'\nkind = 'decp'\nformat = 'official'\nurl = '{root}/profil/decp.json'\nbaseline = 'deliver'"
            )),
        ];
        let sources = sources::enabled(&settings).unwrap();
        let app = Arc::new(service::start_as(settings, Clock::fixed(now)).await.unwrap());
        Some(Self { app, boamp, publishers, sources, smtp, _dir: dir })
    }

    async fn person(&self, id: &str, kind: Option<StructureKind>, filter: &Filter) {
        let now = self.app.service.clock.now();
        let profile = Profile { kind, ..Profile::default() };
        let role = if kind.is_some() { Role::Structure } else { Role::Facilitator };
        let subscriber = Subscriber { id: id.into(), name: id.into(), role, profile };
        let addresses = vec![(Channel::Email, format!("{id}@x.example"), AddressState::Active)];
        let store = &self.app.service.store;
        store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now).await.unwrap();
        store.put_subscription(id, filter, Cadence::Instant, now).await.unwrap();
    }

    async fn poll(&self) {
        for source in &self.sources {
            poll::poll(&self.app.service, &self.app.fetcher, source, true).await.unwrap();
        }
    }

    /// What the service does on each day from one moment to another.
    async fn live(&self, from: DateTime<Utc>, days: i64) {
        for day in 0..days {
            let now = from + Duration::days(day);
            self.app.service.clock.set(now);
            scheduler::run(&self.app.service, now).await.unwrap();
            worker::drain(&self.app.delivery).await.unwrap();
        }
    }

    /// (who, subject, text) of every mail so far.
    fn mails(&self) -> Vec<(String, String, String)> {
        let raw = self.smtp.mails();
        raw.iter()
            .map(|m| {
                let mail = MessageParser::default().parse(m).unwrap();
                let to = mail.to().and_then(|to| to.first()).and_then(|a| a.address()).unwrap_or_default();
                let who = to.split('@').next().unwrap_or_default().to_owned();
                (who, plain(mail.subject().unwrap()), plain(&mail.body_text(0).unwrap()))
            })
            .collect()
    }

    fn told(&self, who: &str, subject: &str) -> Vec<String> {
        let of = |m: &(String, String, String)| m.0 == who && m.1.contains(subject);
        self.mails().into_iter().filter(of).map(|m| m.2).collect()
    }

    async fn decide(&self, person: &str, procedure: &str, lot: &str, stage: Stage) {
        let service = &self.app.service;
        let person = service.store.subscriber(person).await.unwrap().unwrap();
        let asker = decisions::Asker { person: &person, name: &person.id, procedure, lot, seen: Seen::Latest };
        let edit = DecisionEdit { stage: Some(stage), ..DecisionEdit::default() };
        let outcome = decisions::decide(service, &asker, &edit).await.unwrap();
        assert!(matches!(outcome, decisions::Outcome::Noted { .. }), "{outcome:?}");
    }
}

/// Without the spaces that do not break.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

fn cleaning(department: &str) -> Filter {
    Filter {
        sectors: vec!["nettoyage-de-locaux-16".into()],
        departments: Department::parse(department).into_iter().collect(),
        ..Filter::default()
    }
}

/// Call → decision → award of one lot of three → the right people told, reminders of the others go on → the end of the contract is
/// told a year ahead → a new call takes the line away.
#[tokio::test(flavor = "multi_thread")]
async fn from_the_call_to_the_next_call() {
    let Some(bench) = Bench::new(at("2026-11-21T08:00:00Z")).await else { return };
    let store = &bench.app.service.store;
    for (id, kind, filter) in [
        ("bidder", StructureKind::Ei, cleaning("59")),
        ("other-lots", StructureKind::Ei, cleaning("59")),
        ("far", StructureKind::Ei, cleaning("13")),
    ] {
        bench.person(id, Some(kind), &filter).await;
    }
    bench.boamp.with(|s| s.records.push(call("26-100", "2026-11-20", "2027-01-29T12:00:00")));
    bench.poll().await;
    worker::drain(&bench.app.delivery).await.unwrap();
    let procedure = store.notice("boamp:26-100").await.unwrap().unwrap().procedure;
    // Came after the call and was never told of it; lends staff, which no lot asks for.
    bench.person("newcomer", Some(StructureKind::Aci), &cleaning("59")).await;
    bench.person("temps", Some(StructureKind::Etti), &cleaning("59")).await;
    bench
        .person(
            "plie",
            None,
            &Filter { departments: Department::parse("59").into_iter().collect(), ..Filter::default() },
        )
        .await;
    bench.decide("bidder", &procedure, "1", Stage::Preparing).await;
    bench.decide("other-lots", &procedure, "3", Stage::Go).await;

    // The first lot is awarded while the others are open.
    let awarded = at("2027-01-12T08:00:00Z");
    bench.app.service.clock.set(awarded);
    bench.boamp.with(|s| s.records.push(award("27-9", ("26-100", "1"), "2027-01-11")));
    bench.poll().await;
    bench.live(awarded, 1).await;
    let offered = |who: &str| bench.told(who, "Proposer vos services");
    for (who, n) in [("newcomer", 1), ("temps", 1), ("other-lots", 1), ("bidder", 0), ("far", 0), ("plie", 0)] {
        // Who goes for another lot only may serve whoever won this one.
        assert_eq!(
            offered(who).len(),
            n,
            "{who}: {:?}",
            bench.mails().iter().map(|m| (&m.0, &m.1)).collect::<Vec<_>>()
        );
    }
    let text = offered("temps").remove(0);
    for wanted in [
        "MARTIN SARL",
        "62300 Lens",
        "300",
        "le titulaire réserve 300 heures",
        "mettre des salariés à disposition",
        "Bonjour,",
    ] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    // The bidder is asked first, and told once it did not win.
    bench.live(awarded + Duration::days(1), 2).await;
    let asked = bench.told("bidder", "Résultat ?");
    assert_eq!(asked.len(), 1);
    assert!(asked[0].contains("Attribué à MARTIN SARL"), "{}", asked[0]);
    assert!(offered("bidder").is_empty());
    bench.decide("bidder", &procedure, "1", Stage::Lost).await;
    bench.live(awarded + Duration::days(3), 3).await;
    assert_eq!(offered("bidder").len(), 1);
    assert_eq!(bench.told("bidder", "Résultat ?").len(), 1, "asked once");

    // One answers « refusé », another nothing: one reminder, to the one.
    let person = store.subscriber("newcomer").await.unwrap().unwrap();
    let noted =
        offers::answer(&bench.app.service, &person, (&procedure, "1"), OfferStage::Declined, "Ana").await.unwrap();
    assert!(matches!(noted, offers::Answered::Noted { .. }));
    bench.live(awarded + Duration::days(6), 40).await;
    for (who, n) in [("newcomer", 1), ("temps", 2), ("bidder", 2)] {
        assert_eq!(offered(who).len(), n, "{who}");
    }
    // The reminders of the third lot went on.
    let reminded: usize = bench.told("other-lots", "Rappel").len();
    assert!(reminded >= 2, "{:?}", bench.mails().iter().map(|m| (&m.0, &m.1)).collect::<Vec<_>>());

    // Two months later the essential data come: the same contract, with its number, day and duration.
    let published = at("2027-03-15T08:00:00Z");
    bench.app.service.clock.set(published);
    bench.publishers.with(|d| {
        d.rows.push(json!({"uid": "21590350100017-2027-14", "id": "2027-14", "objet": "Nettoyage des écoles et des gymnases - lot 1 : écoles",
            "acheteur_id": CITY, "acheteur_nom": "Ville de Lille", "titulaire_nom": "ETS MARTIN", "titulaire_id": "55204599900869",
            "montant": 120_500.0, "dureeMois": 48, "dateNotification": "2027-01-05", "datePublicationDonnees": "2027-03-14",
            "codeCPV": "90911200-8", "offresRecues": 3, "considerationsSociales": "Clause sociale", "lieuExecution_code": "59350", "lieuExecution_typeCode": "Code commune"}));
    });
    let before = bench.mails().len();
    bench.poll().await;
    bench.live(published, 2).await;
    let contracts = store.contracts_of(&procedure).await.unwrap();
    let c = &contracts.iter().find(|c| c.contract.lot == "1").unwrap().contract;
    assert_eq!(c.holders.len(), 1, "{:?}", c.holders);
    assert!(c.is_held_by("552045999") && c.holders[0].company.place.city.as_deref() == Some("Lens"));
    assert_eq!((c.state, c.ends.unwrap().on.to_string().as_str()), (ContractState::Awarded, "2031-01-05"));
    assert_eq!(c.owed_in_french(), "300\u{a0}heures", "quoted from the call, never from the data");
    let new: Vec<String> = bench.mails().split_off(before).into_iter().map(|m| m.1).collect();
    assert!(!new.iter().any(|s| s.contains("Proposer")), "the same holder is told of once: {new:?}");

    // A year before the end, one line; not to the one who said no, nor to those far away.
    let before = bench.mails().len();
    bench.live(at("2029-12-20T08:00:00Z"), 25).await;
    let lines: Vec<(String, String)> = bench
        .mails()
        .split_off(before)
        .into_iter()
        .filter(|m| m.2.contains("BIENTÔT À RENOUVELER"))
        .map(|m| (m.0, m.2))
        .collect();
    let mut who: Vec<&str> = lines.iter().map(|(who, _)| who.as_str()).collect();
    who.sort_unstable();
    assert_eq!(who, ["bidder", "other-lots"], "the one who lends staff bids for no cleaning");
    assert!(
        lines[0].1.contains("Fin estimée au 5 janvier 2031") && lines[0].1.contains("reconductions comprises"),
        "{}",
        lines[0].1
    );
    assert!(lines[0].1.contains("ETS MARTIN") || lines[0].1.contains("MARTIN"), "{}", lines[0].1);

    // The buyer calls again for the same: nothing is told six months ahead.
    bench.boamp.with(|s| s.records.push(call("30-200", "2030-05-20", "2030-07-10T12:00:00")));
    bench.app.service.clock.set(at("2030-05-21T08:00:00Z"));
    bench.poll().await;
    let again = store.notice("boamp:30-200").await.unwrap().unwrap().procedure;
    assert_ne!(again, procedure, "a new call is a new procedure");
    let before = bench.mails().len();
    bench.live(at("2030-06-20T08:00:00Z"), 15).await;
    // Nor once that call has its winner.
    bench.boamp.with(|s| {
        for lot in ["1", "2", "3"] {
            s.records.push(award(&format!("30-9{lot}"), ("30-200", lot), "2030-07-12"));
        }
    });
    bench.app.service.clock.set(at("2030-07-13T08:00:00Z"));
    bench.poll().await;
    assert_eq!(store.state_of(&again).await.unwrap().unwrap().status_of("1"), Status::Awarded);
    bench.live(at("2030-07-13T08:00:00Z"), 25).await;
    assert!(!bench.mails().split_off(before).iter().any(|m| m.2.contains("BIENTÔT À RENOUVELER")));
    bench.app.service.store.close().await;
}

/// What BOAMP published of one purchase (16-652 of January 2016 and 17-4742, its award, a year later), people's names left out: in the flat
/// tree of those years, without any number of the buyer or of its three holders.
fn hospital(id: &str, day: &str, closes: Option<&str>, own: Value) -> Value {
    let title = "DAMR 2016/01 PRESTATION D'INTERIM MEDICAL EN ANESTHESIE-REANIMATION";
    let mut donnees = json!({
        "IDENTITE": {"DENOMINATION": "CHU St Etienne", "CP": "42055", "VILLE": "St etienne", "URL_PROFIL_ACHETEUR": "http://www.achats-hopitaux.com"},
        "TYPE_ORGANISME": {"AUTRE": ""},
        "OBJET": {"TYPE_MARCHE": {"SERVICE": "27"}, "OBJET_COMPLET": title, "CPV": {"PRINCIPAL": "79625000"},
            "LIEU_EXEC_LIVR": {"ADRESSE": "Chu de St-Etienne", "CP": "42055", "VILLE": "Saint etienne cédex 2", "CODE_NUTS": "FR715"}, "AMP_OUI": ""},
        "PROCEDURE": {"TYPE_PROCEDURE": {"PROCEDURE_ADAPTE": ""}, "CRITERES_ATTRIBUTION": {"CRITERES_PONDERES": {"CRITERE": [
            {"@POIDS": "60", "#text": "Prix"}, {"@POIDS": "40", "#text": "Valeur technique : aptitude de la société à répondre aux besoins"}]}}},
    });
    if let Some(closes) = closes {
        donnees["OBJET"]["CARACTERISTIQUES"] = json!({"PRINCIPALES": format!("{title}Marché à bon de commande -durée du marché de la date de notification au 31/12/2016 reconductible 2 fois par période de 12 mois. Prix ajustables.")});
        donnees["OBJET"]["DUREE_DELAI"] = json!({"DUREE_MOIS": "34"});
        donnees["OBJET"]["DIV_EN_LOTS"] = json!({"NON": ""});
        donnees["CONDITION_DELAI"] = json!({"RECEPT_OFFRES": closes, "VALIDITE_OFFRE": {"DUREE_JOUR": "120"}});
        donnees["CONDITION_ADMINISTRATIVE"] = json!({"REFERENCE_MARCHE": "DAMR 2016/01"});
    }
    let award = closes.is_none();
    if award {
        donnees["ATTRIBUTION"] = own;
    }
    let nature = if award { "ATTRIBUTION" } else { "APPEL_OFFRE" };
    json!({"idweb": id, "objet": title, "dateparution": day, "nature": nature, "etat": "INITIAL", "famille": "FNS", "nomacheteur": "CHU St Etienne",
        "code_departement": ["42"], "donnees": donnees.to_string(), "gestion": null, "annonce_lie": award.then(|| vec!["16-652"]),
        "url_avis": format!("https://www.boamp.fr/pages/avis/?q=idweb:{id}")})
}

/// A recorded call and its recorded award, and the next call of a buyer that is known by its name alone.
#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_purchase_is_followed_by_the_name_of_its_buyer_until_it_is_called_for_again() {
    let Some(bench) = Bench::new(at("2016-01-06T08:00:00Z")).await else { return };
    let service = &bench.app.service;
    let store = &service.store;
    let here = Filter { departments: Department::parse("42").into_iter().collect(), ..Filter::default() };
    bench.person("temps", Some(StructureKind::Etti), &here).await;
    for id in ["follows", "other"] {
        let profile = Profile { kind: Some(StructureKind::Etti), ..Profile::default() };
        let subscriber = Subscriber { id: id.into(), name: id.into(), role: Role::Structure, profile };
        let addresses = vec![(Channel::Email, format!("{id}@x.example"), AddressState::Active)];
        store
            .put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, service.clock.now())
            .await
            .unwrap();
    }
    let person = store.subscriber("follows").await.unwrap().unwrap();
    let followed = accounts::follow(service, &person, "Ana", "CHU St-Étienne").await.unwrap();
    assert_eq!(followed, Followed::Yes { name: "CHU St-Étienne".into(), committed: false });

    bench
        .boamp
        .with(|s| s.records.push(hospital("16-652", "2016-01-05", Some("2016-01-25T16:00:00+01:00"), Value::Null)));
    bench.poll().await;
    bench.live(at("2016-01-06T08:00:00Z"), 3).await;
    assert!(bench.told("follows", "").concat().contains("INTERIM MEDICAL"), "{:?}", bench.mails());
    let procedure = store.notice("boamp:16-652").await.unwrap().unwrap().procedure;
    bench.decide("follows", &procedure, "", Stage::Submitted).await;
    bench.live(at("2016-02-25T08:00:00Z"), 3).await;
    let asked = bench.told("follows", "Résultat ?");
    assert!(asked.len() == 1 && asked[0].contains("Clos depuis le 25 janvier 2016"), "{asked:?}");

    let party = |name: &str, code: &str, city: &str| json!({"DENOMINATION": name, "CP": code, "VILLE": city});
    let decision = json!({"ATTRIBUE": "", "DESCRIPTION": "Prestation d'intérim médical en anesthésie réanimation pour le CHU de Saint-Etienne",
        "TITULAIRE": [party("ARC INTERIM (Rang 1)", "75019", "PARIS"), party("PROMAN MEDICAL (Rang 2)", "33000", "Bordeaux"),
            party("ADECCO MEDECINS (Rang 3)", "13001", "Marseille")],
        "RENSEIGNEMENT": [{"DATE_ATTRIBUTION": "2016-02-02"}, {"DATE_ATTRIBUTION": "2016-02-03"}, {"DATE_ATTRIBUTION": "2016-02-02"}]});
    let own = json!({"ATTRIBUE_PAR_LOTS_MARCHES": "", "DECISION": decision});
    bench.boamp.with(|s| s.records.push(hospital("17-4742", "2017-01-11", None, own)));
    service.clock.set(at("2017-01-12T08:00:00Z"));
    bench.poll().await;
    assert_eq!(store.notice("boamp:17-4742").await.unwrap().unwrap().procedure, procedure);
    let found = store.contracts_of(&procedure).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let c = &found[0].contract;
    let holders: Vec<(&str, Option<&str>)> =
        c.holders.iter().map(|h| (h.company.name.as_str(), h.company.place.city.as_deref())).collect();
    assert_eq!(
        holders,
        [
            ("ARC INTERIM (Rang 1)", Some("PARIS")),
            ("PROMAN MEDICAL (Rang 2)", Some("Bordeaux")),
            ("ADECCO MEDECINS (Rang 3)", Some("Marseille"))
        ]
    );
    // Awarded eleven months before anybody published it: the 34 months run from there.
    let end = c.ends.unwrap();
    assert_eq!(end.on.to_string(), "2018-12-02", "{}", end.in_french());
    assert!(end.in_french().starts_with("attribué le 2 février 2016"), "{}", end.in_french());
    assert!(!c.owes_work());
    bench.live(at("2017-01-12T08:00:00Z"), 4).await;
    let asked = bench.told("follows", "Résultat ?");
    assert!(asked.len() == 2 && asked[1].contains("PROMAN MEDICAL (Rang 2)"), "{asked:?}");
    assert!(bench.mails().iter().all(|m| !m.1.contains("Proposer vos services")), "no clause, no offer");

    // A year before the end one line, and none six months before it: the buyer has called again.
    let ends = |mails: Vec<(String, String, String)>| -> Vec<String> {
        mails.into_iter().filter(|m| m.2.contains("BIENTÔT À RENOUVELER")).map(|m| m.0).collect()
    };
    bench.live(at("2017-11-28T08:00:00Z"), 10).await;
    assert_eq!(ends(bench.mails()), ["follows"]);
    bench
        .boamp
        .with(|s| s.records.push(hospital("18-7001", "2018-05-14", Some("2018-06-25T16:00:00+02:00"), Value::Null)));
    service.clock.set(at("2018-05-15T08:00:00Z"));
    bench.poll().await;
    assert_ne!(store.notice("boamp:18-7001").await.unwrap().unwrap().procedure, procedure);
    bench.live(at("2018-05-30T08:00:00Z"), 10).await;
    assert_eq!(ends(bench.mails()), ["follows"]);
    assert!(bench.told("other", "").is_empty());
    store.close().await;
}

/// National forms mostly name parties without their numbers: these have a page, and are followed, by their names.
#[tokio::test(flavor = "multi_thread")]
async fn parties_without_a_number_have_a_page_and_are_followed_by_their_name() {
    let now = at("2026-11-21T08:00:00Z");
    let pages = Pages::start(now, "").await.unwrap();
    pages.person("ana", "Ana", Role::Structure, None).await.unwrap();
    let notice = |id: &str, kind, siret: Option<&str>| {
        let mut notice = Notice::new("boamp", id, kind);
        notice.title = "Entretien des espaces verts".into();
        (notice.buyer.name, notice.buyer.siret) = ("Mairie d’Étampes".into(), siret.map(str::to_owned));
        notice.departments = Department::parse("91").into_iter().collect();
        notice.published = Some(now.date_naive());
        notice
    };
    let procedure = pages.take(&notice("26-1", NoticeKind::Call, None)).await.unwrap();
    let mut award = notice("26-2", NoticeKind::Award, None);
    award.links.earlier = vec!["26-1".into()];
    award.awards = vec![Award::to(None, vec![Company::named("Jardins & Co")])];
    pages.take(&award).await.unwrap();
    // Another buyer of that name, with a number.
    let mut other = notice("26-9", NoticeKind::Call, Some("21910223000012"));
    other.title = "Restauration scolaire".into();
    pages.take(&other).await.unwrap();

    let ana = pages.signed_in("ana").await.unwrap();
    let contract = ana.get(&vigie_service::links::contract_path(&procedure, "")).await.unwrap().body;
    for path in ["/acheteur/nom-mairie-d-etampes", "/titulaire/nom-jardins-co"] {
        assert!(contract.contains(&format!("href=\"{path}\"")), "{path}: {contract}");
        let shown = ana.get(path).await.unwrap();
        assert_eq!(shown.status, 200, "{path}");
        assert!(shown.body.contains("Sans SIREN publié") && shown.body.contains("espaces verts"), "{}", shown.body);
        assert!(!shown.body.contains("Restauration scolaire"), "the other’s: {}", shown.body);
    }
    let market = ana.get(&format!("/procedure/{procedure}")).await.unwrap().body;
    assert!(market.contains("href=\"/acheteur/nom-mairie-d-etampes\""), "{market}");
    for path in ["/acheteur/nom-", "/acheteur/nom-inconnu", "/titulaire/nom-mairie-d-etampes-2", "/acheteur/12"] {
        assert_eq!(ana.get(path).await.unwrap().status, 404, "{path}");
    }
    let store = &pages.app.service.store;
    let mine = async || -> Vec<String> { store.accounts_of("ana").await.unwrap().into_iter().map(|a| a.key).collect() };
    // Of two of one name, the one with a number is meant; the other is followed from its page.
    ana.post_form("/contrats/suivre", &[("qui", "Mairie d'Etampes")]).await.unwrap();
    assert_eq!(mine().await, ["219102230"]);
    ana.post_form("/contrats/oublier", &[("qui", "219102230")]).await.unwrap();
    ana.post_form("/contrats/suivre", &[("qui", "nom:Mairie d’Étampes")]).await.unwrap();
    assert_eq!(mine().await, ["name:mairie d etampes"]);
    let shown = ana.get("/acheteur/nom-mairie-d-etampes").await.unwrap().body;
    assert!(shown.contains("Ne plus suivre") && shown.contains("value=\"name:mairie d etampes\""), "{shown}");
    ana.post_form("/contrats/oublier", &[("qui", "name:mairie d etampes")]).await.unwrap();
    assert!(mine().await.is_empty());
    // Followed before anything is known of it: a page for who follows it, and for nobody else.
    ana.post_form("/contrats/suivre", &[("qui", "Syndicat de la Juine")]).await.unwrap();
    let shown = ana.get("/acheteur/nom-syndicat-de-la-juine").await.unwrap();
    assert!(shown.status == 200 && shown.body.contains("Rien n’est encore connu de ce nom"), "{}", shown.body);
    let stranger = pages.stranger().unwrap().get("/acheteur/nom-syndicat-de-la-juine").await.unwrap();
    assert_eq!(stranger.status, 404);
}

/// Whatever comes first: the data of a contract, its award or its call's.
#[tokio::test(flavor = "multi_thread")]
async fn essential_data_before_the_award_become_one_contract_with_it() {
    let Some(bench) = Bench::new(at("2026-11-21T08:00:00Z")).await else { return };
    let store = &bench.app.service.store;
    bench.publishers.with(|d| {
        for (uid, id, objet) in [("a", "2027-14", "Nettoyage des écoles et des gymnases - lot 1"), ("b", "2027-15", "Entretien"), ("c", "2027-16", "Entretien")] {
            d.rows.push(json!({"uid": uid, "id": id, "objet": objet, "acheteur_id": CITY, "acheteur_nom": "Ville de Lille", "titulaire_nom": "MARTIN",
                "titulaire_id": "55204599900869", "montant": 1.0, "dureeMois": 999, "dateNotification": "2027-01-05", "datePublicationDonnees": "2027-01-06"}));
        }
    });
    bench.app.service.clock.set(at("2027-01-07T08:00:00Z"));
    bench.poll().await;
    let alone = store.notice("decp:a").await.unwrap().unwrap().procedure;
    assert_ne!(
        store.notice("decp:b").await.unwrap().unwrap().procedure,
        store.notice("decp:c").await.unwrap().unwrap().procedure
    );
    bench.boamp.with(|s| s.records.push(call("26-100", "2026-11-20", "2026-12-20T12:00:00")));
    bench.poll().await;
    bench.boamp.with(|s| s.records.push(award("27-9", ("26-100", "1"), "2027-01-11")));
    bench.app.service.clock.set(at("2027-01-12T08:00:00Z"));
    bench.poll().await;
    let procedure = store.notice("boamp:26-100").await.unwrap().unwrap().procedure;
    assert_eq!(store.notice("decp:a").await.unwrap().unwrap().procedure, procedure, "one procedure");
    assert!(store.contracts_of(&alone).await.unwrap().is_empty() || alone == procedure);
    let found = store.contracts_of(&procedure).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let c = &found[0].contract;
    assert_eq!((c.lot.as_str(), c.holders.len()), ("1", 1));
    assert_eq!(c.amount.as_ref().unwrap().value.euros, 120_000.0, "1 € is no amount, the award's is");
    assert!(c.doubts.iter().any(|d| d.contains("999")), "{:?}", c.doubts);
    assert_eq!(c.notified_on.as_ref().unwrap().value.to_string(), "2027-01-05");
    store.close().await;
}

/// Who follows a buyer, without any subscription, hears of what it plans, calls for and awards, and of the contract that ends: once each,
/// in the digest. A planned purchase that gives a SIREN alone has its buyer's name.
#[tokio::test(flavor = "multi_thread")]
async fn a_buyer_that_is_followed_is_heard_of_from_its_plans_to_the_end_of_its_contracts() {
    let Some(bench) = Bench::new(at("2026-11-21T08:00:00Z")).await else { return };
    let service = &bench.app.service;
    let store = &service.store;
    let now = at("2026-11-21T08:00:00Z");
    let committed =
        CommittedBuyer { siren: CITY[..9].into(), name: "Ville de Lille".into(), from: Some(2024), to: Some(2026) };
    store.put_entries(&[committed], now).await.unwrap();
    for id in ["follows", "other"] {
        let profile = Profile { kind: Some(StructureKind::Ei), ..Profile::default() };
        let subscriber = Subscriber { id: id.into(), name: id.into(), role: Role::Structure, profile };
        let addresses = vec![(Channel::Email, format!("{id}@x.example"), AddressState::Active)];
        store.put_subscriber(&NewSubscriber { subscriber, addresses, declared: false }, now).await.unwrap();
    }
    let person = store.subscriber("follows").await.unwrap().unwrap();
    let followed = accounts::follow(service, &person, "Ana", "215 903 501").await.unwrap();
    assert_eq!(followed, Followed::Yes { name: "215903501".into(), committed: true }, "before anything of it was read");
    assert!(matches!(accounts::follow(service, &person, "Ana", CITY).await.unwrap(), Followed::Already(_)));

    let mut planned = Notice::new("approch", "P1", NoticeKind::Planned);
    planned.title = "Entretien des cimetières".into();
    planned.buyer.siret = Some(CITY[..9].into());
    planned.published = Some(now.date_naive());
    ingest::ingest(service, &planned, None).await.unwrap();
    let row = store.notice("approch:P1").await.unwrap().unwrap();
    assert_eq!(row.assessment.buyer.as_deref(), Some("Ville de Lille"), "by the directory");
    let mut unknown = planned.clone();
    (unknown.record_id, unknown.buyer.siret) = ("P2".into(), Some("130005481".into()));
    ingest::ingest(service, &unknown, None).await.unwrap();
    let row = store.notice("approch:P2").await.unwrap().unwrap();
    assert_eq!(row.assessment.buyer.as_deref(), Some("SIREN 130005481"), "else its number");

    bench.boamp.with(|s| s.records.push(call("26-100", "2026-11-20", "2027-01-29T12:00:00")));
    bench.poll().await;
    bench.live(now, 2).await;
    let first = bench.told("follows", "").concat();
    for wanted in ["Entretien des cimetières", "Nettoyage des écoles et des gymnases", "Vous suivez"] {
        assert_eq!(first.matches(wanted).count().min(1), 1, "{wanted}: {first}");
    }
    // The award is published twice: by two notices of one day.
    let awarded = at("2027-02-12T08:00:00Z");
    service.clock.set(awarded);
    for id in ["27-9", "27-10"] {
        bench.boamp.with(|s| s.records.push(award(id, ("26-100", "1"), "2027-02-11")));
    }
    bench.poll().await;
    let before = bench.mails().len();
    bench.live(awarded, 3).await;
    let said: Vec<String> =
        bench.mails().split_off(before).into_iter().filter(|m| m.0 == "follows").map(|m| m.2).collect();
    assert_eq!(said.iter().filter(|text| text.contains("MARTIN SARL")).count(), 1, "told once: {said:?}");
    let procedure = store.notice("boamp:26-100").await.unwrap().unwrap().procedure;
    assert_eq!(store.contracts_of(&procedure).await.unwrap().len(), 1, "one contract");
    // Its end, a year ahead, though it lies outside every subscription.
    let before = bench.mails().len();
    bench.live(at("2028-02-05T08:00:00Z"), 12).await;
    let lines: Vec<String> =
        bench.mails().split_off(before).into_iter().filter(|m| m.0 == "follows").map(|m| m.2).collect();
    assert_eq!(lines.iter().filter(|l| l.contains("BIENTÔT À RENOUVELER")).count(), 1, "{lines:?}");
    assert!(bench.told("other", "").is_empty(), "who follows nobody and asked for nothing hears nothing");
    store.close().await;
}

/// A contract that somebody tells of, without any notice: its end is told a year ahead to those whom its trade and place suit, and to
/// nobody else; said again, nothing is new.
#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_contract_told_by_hand_is_told_where_it_is_carried_out() {
    let Some(bench) = Bench::new(at("2026-11-21T08:00:00Z")).await else { return };
    let service = &bench.app.service;
    for (id, department) in [("near", "62"), ("far", "13")] {
        bench.person(id, Some(StructureKind::Ei), &cleaning(department)).await;
    }
    let today = at("2026-11-21T08:00:00Z").date_naive();
    let said = Said {
        title: Some("Nettoyage des locaux de la mairie et des écoles".into()),
        buyer: Some("Ville de Lens".into()),
        buyer_siret: Some("21620498100010".into()),
        holders: vec![Company::named("MARTIN SARL")],
        notified: NaiveDate::from_ymd_opt(2024, 3, 1),
        months: Some(48.0),
        places: vec!["Lens (62)".into()],
        clause: Some("Le titulaire réserve 300 heures de travail à des personnes éloignées de l’emploi.".into()),
        ..Said::default()
    };
    let procedure = contract_by_hand::say(service, None, &said, today).await.unwrap().unwrap();
    let again = contract_by_hand::say(service, None, &said, today).await.unwrap();
    assert_eq!(again, None, "the same words are nothing new");
    let c = service.store.contracts_of(&procedure).await.unwrap().remove(0).contract;
    assert_eq!((c.departments.len(), c.owed_in_french().as_str()), (1, "300\u{a0}heures"));
    assert_eq!(c.ends.unwrap().on.to_string(), "2028-03-01");
    bench.live(at("2027-02-20T08:00:00Z"), 25).await;
    let lines: Vec<(String, String)> =
        bench.mails().into_iter().filter(|m| m.2.contains("BIENTÔT À RENOUVELER")).map(|m| (m.0, m.2)).collect();
    assert_eq!(lines.iter().map(|(who, _)| who.as_str()).collect::<Vec<_>>(), ["near"]);
    assert!(lines[0].1.contains("MARTIN SARL") && lines[0].1.contains("1er mars 2028"), "{}", lines[0].1);
    service.store.close().await;
}

/// A modification moves the end before it is told; a termination takes the line away.
#[tokio::test(flavor = "multi_thread")]
async fn a_modification_moves_the_line_of_an_end_and_a_termination_takes_it_away() {
    for (title, months, expected) in
        [("Avenant de prolongation", Some(60.0), "2032"), ("Le marché est résilié aux torts du titulaire", None, "")]
    {
        let Some(bench) = Bench::new(at("2026-11-21T08:00:00Z")).await else { return };
        let service = &bench.app.service;
        bench.person("near", Some(StructureKind::Ei), &cleaning("59")).await;
        bench.boamp.with(|s| s.records.push(call("26-100", "2026-11-20", "2027-01-29T12:00:00")));
        bench.poll().await;
        bench.boamp.with(|s| s.records.push(award("27-9", ("26-100", "1"), "2027-02-11")));
        service.clock.set(at("2027-02-12T08:00:00Z"));
        bench.poll().await;
        let mut change = Notice::new("boamp", "27-50", NoticeKind::Modification);
        change.title = title.into();
        change.buyer.siret = Some(CITY.into());
        change.links.earlier = vec!["26-100".into()];
        change.published = at("2027-06-01T08:00:00Z").date_naive().into();
        change.duration_months = months;
        change.awards = vec![Award::to(Some("1".into()), vec![Company::named("MARTIN SARL")])];
        service.clock.set(at("2027-06-02T08:00:00Z"));
        ingest::ingest(service, &change, None).await.unwrap();
        let lines = |mails: Vec<(String, String, String)>| -> Vec<String> {
            mails.into_iter().filter(|m| m.0 == "near" && m.2.contains("BIENTÔT À RENOUVELER")).map(|m| m.2).collect()
        };
        bench.live(at("2028-02-05T08:00:00Z"), 12).await;
        assert!(lines(bench.mails()).is_empty(), "{title}: the first end is none any more");
        bench.live(at("2031-02-05T08:00:00Z"), 12).await;
        let told = lines(bench.mails());
        if expected.is_empty() {
            assert!(told.is_empty(), "{title}: {told:?}");
        } else {
            assert!(told.len() == 1 && told[0].contains(expected), "{title}: {told:?}");
        }
        service.store.close().await;
    }
}

/// A recorded file of a buyer's profile, through the real source: who holds it, who works under them, what may be offered, when it ends.
#[tokio::test(flavor = "multi_thread")]
async fn the_recorded_file_of_a_buyers_profile_brings_subcontracts_offers_and_ends() {
    let Some(file) = shared::data("data/decp/exemples/json/marches_avec_modifications.json") else { return };
    let Some(bench) = Bench::new(at("2024-05-27T08:00:00Z")).await else { return };
    let store = &bench.app.service.store;
    for (id, department) in [("near", "75"), ("far", "13")] {
        let filter = Filter { departments: Department::parse(department).into_iter().collect(), ..Filter::default() };
        bench.person(id, Some(StructureKind::Ei), &filter).await;
    }
    bench.publishers.with(|d| d.official = Some(serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()));
    bench.poll().await;
    let bought = ContractQuery { buyer: Some("217500016".into()), ..ContractQuery::default() };
    let found = store.find_contracts(&bought, 10).await.unwrap();
    assert_eq!(found.len(), 2, "two buyers' numbers may be the same: {found:?}");
    for row in &found {
        let sub = &row.contract.subcontracts;
        assert_eq!((sub.len(), sub[0].amount), (1, Some(123_456.89)));
        assert_eq!(row.contract.ends.unwrap().on.to_string(), "2025-05-15");
    }
    bench.live(at("2024-05-27T09:00:00Z"), 3).await;
    let offered = bench.told("near", "Proposer vos services");
    assert_eq!(offered.len(), 2);
    assert!(offered.iter().all(|m| m.contains("heures non publiées")), "never inferred: {}", offered[0]);
    let ends = bench.mails().into_iter().filter(|m| m.2.contains("BIENTÔT À RENOUVELER")).count();
    assert!(ends >= 1, "a year ahead");
    assert!(!bench.mails().iter().any(|m| m.0 == "far"));
    // The file is published again as it was.
    let before = bench.mails().len();
    bench.poll().await;
    bench.live(at("2024-05-30T09:00:00Z"), 3).await;
    assert_eq!(bench.mails().len(), before);
    store.close().await;
}

#[test]
fn recorded_data_make_contracts_with_the_source_of_each_field() {
    let Some(file) = shared::data("data/decp/exemples/json/marches_avec_modifications.json") else { return };
    let document: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    for notice in decp::from_tree(&document) {
        let assessment = classify::classify(&notice);
        let c = contract::contracts("p", &[Published { notice: &notice, assessment: &assessment }]).remove(0);
        // A modification of 2022 of a contract notified in 2024, for 12 months, to a number that is no SIRET: as published.
        assert_eq!((c.state, c.holders.len()), (ContractState::Awarded, 1));
        assert_eq!(c.notified_on.as_ref().unwrap().value.to_string(), "2024-05-15");
        assert_eq!(
            (c.ends.unwrap().on.to_string().as_str(), c.offers_received.as_ref().unwrap().value),
            ("2025-05-15", 4)
        );
        assert!(
            c.amount.as_ref().unwrap().value.maximum && c.owes_work() && c.owed_in_french() == "heures non publiées",
            "{c:?}"
        );
        assert_eq!((c.subcontracts.len(), c.amount.as_ref().unwrap().notice.as_str()), (1, notice.key().as_str()));
    }
    let Some(file) = shared::data("data/ted/eforms_sdk_examples/can_24_FRA_comments.xml") else { return };
    let notice = eforms::from_tree(&tree::from_xml(&std::fs::read(file).unwrap()).unwrap()).unwrap();
    let assessment = classify::classify(&notice);
    let found = contract::contracts("p", &[Published { notice: &notice, assessment: &assessment }]);
    let lots: Vec<&str> = found.iter().map(|c| c.lot.as_str()).collect();
    assert_eq!(lots, ["1", "2"]);
    let c = &found[0];
    assert_eq!(
        (c.notified_on.as_ref().unwrap().value.to_string().as_str(), c.offers_received.as_ref().unwrap().value),
        ("2019-09-03", 3)
    );
    assert!(!c.holders.is_empty() && c.holders[0].company.id.is_some(), "{:?}", c.holders);
}
