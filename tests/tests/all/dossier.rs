//! The consultation file of a procedure, from the page: given, read by child processes of the real program, shown to its structure with
//! file and article, searched, held against the notice, answered, forgotten.

use chrono::{DateTime, Duration, Utc};
use vigie_consultation::Reader;
use vigie_domain::subscription::Role;
use vigie_domain::{Department, Notice, NoticeKind, Passage};
use vigie_service::{Clock, consultation, personal_data};
use vigie_store::Store;
use vigie_tests::pages::Pages;
use vigie_tests::servers::{Postgres, vigie};

const MINE: &str = "33333333300017";
const OTHERS: &str = "44444444400017";
const CCAP: &str = "CAHIER DES CLAUSES ADMINISTRATIVES PARTICULIÈRES\n\nArticle 5 – Insertion\n\nLe titulaire réserve 800 heures de travail à des personnes éloignées de l’emploi.\nChaque heure d’insertion non réalisée donne lieu à une pénalité de 30 €.\n";
const SILENT: &str = "CAHIER DES CLAUSES ADMINISTRATIVES PARTICULIÈRES\n\nArticle 4 – Paiement\n\nLe délai de paiement est de 30 jours.\n";

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2026-11-24T10:00:00+01:00").unwrap().with_timezone(&Utc)
}

fn notice(id: &str, said: &str) -> Notice {
    let mut notice = Notice::new("boamp", id, NoticeKind::Call);
    notice.title = "Nettoyage des locaux de la mairie".into();
    notice.buyer.name = "Ville de Lille".into();
    notice.departments.extend(Department::parse("59"));
    notice.passages.push(Passage { field: "objet".into(), lot: None, text: said.to_owned() });
    notice
}

/// The program under test reads: this one is not it.
fn reader(folder: &std::path::Path) -> Reader {
    Reader::of(vigie().to_owned(), folder)
}

/// Without the spaces that do not break.
fn plain(text: &str) -> String {
    text.replace(['\u{a0}', '\u{202f}'], " ")
}

async fn cast(pages: &Pages) {
    for (id, siret) in [("ana", MINE), ("bea", MINE), ("rival", OTHERS)] {
        pages.person(id, id, Role::Structure, Some(siret)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_given_on_the_page_is_read_shown_searched_and_forgotten_on_either_engine() {
    from_the_page(Pages::start(now(), "").await.unwrap()).await;
    if let Some(postgres) = Postgres::start() {
        let dir = tempfile::tempdir().unwrap();
        from_the_page(Pages::start_on(dir, &postgres.url, Clock::fixed(now()), "").await.unwrap()).await;
    }
}

async fn from_the_page(pages: Pages) {
    cast(&pages).await;
    let service = &pages.app.service;
    let said = "Clause d’insertion : 500 heures à réaliser par le titulaire.";
    let procedure = pages.take(&notice("26-1", said)).await.unwrap();
    let (ana, bea, rival) = (
        pages.signed_in("ana").await.unwrap(),
        pages.signed_in("bea").await.unwrap(),
        pages.signed_in("rival").await.unwrap(),
    );
    let stranger = pages.stranger().unwrap();
    let page = format!("/procedure/{procedure}");
    let dossier = format!("{page}/dossier");

    // Nothing known yet; nothing given is said.
    let first = ana.get(&page).await.unwrap().body;
    assert!(first.contains("Donner le dossier à lire"), "{first}");
    assert!(!stranger.get(&page).await.unwrap().body.contains("Donner le dossier"), "strangers give nothing");
    assert_eq!(ana.post_files(&dossier, &[], &[]).await.unwrap().status, 400);
    assert_eq!(ana.get(&format!("{dossier}/reponse.docx")).await.unwrap().status, 404);

    // Given: it waits, sealed; the page says so and asks again by itself.
    let files: [(&str, &str, &[u8]); 2] =
        [("dossier", "ccap.txt", CCAP.as_bytes()), ("dossier", "vide.pdf", b"%PDF-1.4\nrien")];
    let done = ana.post_files(&dossier, &[], &files).await.unwrap();
    assert_eq!((done.status.as_u16(), done.location.as_deref()), (303, Some(dossier.as_str())), "{}", done.body);
    let waiting = ana.get(&dossier).await.unwrap();
    assert!(waiting.body.contains("Lecture en cours") && waiting.headers.contains("refresh: 3"), "{}", waiting.body);
    let row = service.store.consultations_of(MINE, &procedure).await.unwrap().remove(0);
    let files = service.store.waiting_files(&row.id).await.unwrap();
    assert!(files.iter().all(|f| !f.content.windows(7).any(|w| w == b"titulai")), "sealed");

    // Read.
    let folder = tempfile::tempdir().unwrap();
    assert!(consultation::read_next(service, &reader(folder.path())).await.map_err(|e| e.what).unwrap());
    assert!(!consultation::read_next(service, &reader(folder.path())).await.map_err(|e| e.what).unwrap());
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of it");
    assert!(service.store.waiting_files(&row.id).await.unwrap().is_empty(), "files go once they are read");
    let read = bea.get(&dossier).await.unwrap();
    assert!(!read.headers.contains("refresh"), "{}", read.headers);
    let read = plain(&read.body);
    for words in ["800 h", "Le titulaire réserve 800 heures", "art. 5", "30 €", "non lu", "l’avis dit 500 h, ici 800 h"]
    {
        assert!(read.contains(words), "{words}: {read}");
    }
    let verdict = plain(&bea.get(&page).await.unwrap().body);
    for words in ["Ce que dit le dossier", "Vue : CCAP (ccap.txt), art. 5", "les pièces se contredisent"] {
        assert!(verdict.contains(words), "{words}: {verdict}");
    }
    let found = plain(&ana.get(&format!("{dossier}?q=p%C3%A9nalit%C3%A9")).await.unwrap().body);
    assert!(found.contains("une pénalité de 30 €"), "{found}");
    assert!(ana.get(&format!("{dossier}?q=piscine")).await.unwrap().body.contains("non trouvé"));
    let answer = ana.get(&format!("{dossier}/reponse.docx")).await.unwrap();
    assert!(answer.status == 200 && answer.body.starts_with("PK") && answer.headers.contains("attachment"));

    // Nobody else's.
    let others = rival.get(&page).await.unwrap().body;
    assert!(!others.contains("800") && others.contains("Donner le dossier"), "{others}");
    assert!(!rival.get(&dossier).await.unwrap().body.contains("800"));
    assert_eq!(rival.get(&format!("{dossier}/reponse.docx")).await.unwrap().status, 404);
    assert_eq!(rival.post_form(&format!("{dossier}/effacer"), &[]).await.unwrap().status, 404);
    assert_eq!(stranger.get(&dossier).await.unwrap().status, 303, "to the sign-in");
    let without = ana.post(&format!("{dossier}/effacer"), &[("csrf", "x")]).await.unwrap();
    assert_eq!(without.status, 403);

    // A further file adds to it, one of the same name takes its place.
    let more: [(&str, &str, &[u8]); 1] = [("dossier", "ccap.txt", SILENT.as_bytes())];
    assert_eq!(bea.post_files(&dossier, &[], &more).await.unwrap().status, 303);
    assert!(consultation::read_next(service, &reader(folder.path())).await.map_err(|e| e.what).unwrap());
    let verdict = plain(&ana.get(&page).await.unwrap().body);
    assert!(verdict.contains("cherché dans 1 pièce, non trouvé") && !verdict.contains("800 h"), "{verdict}");

    assert_eq!(bea.post_form(&format!("{dossier}/effacer"), &[]).await.unwrap().status, 303);
    assert!(service.store.consultations_of(MINE, &procedure).await.unwrap().is_empty());
    assert!(ana.get(&page).await.unwrap().body.contains("Donner le dossier à lire"));
}

/// A reading that ends the process each time is given up, in words; files of another secret are said to be so.
#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_never_ends_is_given_up_and_one_left_in_order_is_begun_again() {
    let pages = Pages::start(now(), "").await.unwrap();
    cast(&pages).await;
    let service = &pages.app.service;
    let procedure = pages.take(&notice("26-1", "Nettoyage.")).await.unwrap();
    let ana = pages.signed_in("ana").await.unwrap();
    let dossier = format!("/procedure/{procedure}/dossier");
    let files: [(&str, &str, &[u8]); 1] = [("dossier", "ccap.txt", CCAP.as_bytes())];
    assert_eq!(ana.post_files(&dossier, &[], &files).await.unwrap().status, 303);
    let store: &Store = &service.store;
    let claim = async |holder: &str| {
        store
            .claim_consultation(holder, Duration::minutes(3), service.clock.now())
            .await
            .unwrap()
            .map(|(_, tries)| tries)
    };
    assert_eq!(claim("un").await, Some(0));
    assert_eq!(claim("deux").await, None, "one reads it at a time");
    store.release_own("un", service.clock.now()).await.unwrap();
    assert_eq!(claim("deux").await, Some(0), "left in good order, it counts for nothing");
    for tries in 1..consultation::MAX_TRIES {
        service.clock.set(service.clock.now() + Duration::minutes(4));
        assert_eq!(claim("trois").await, Some(tries), "its process died");
    }
    service.clock.set(service.clock.now() + Duration::minutes(4));
    let folder = tempfile::tempdir().unwrap();
    assert!(consultation::read_next(service, &reader(folder.path())).await.map_err(|e| e.what).unwrap());
    let told = ana.get(&dossier).await.unwrap().body;
    assert!(told.contains("s’est interrompue plusieurs fois"), "{told}");
    let row = store.consultations_of(MINE, &procedure).await.unwrap().remove(0);
    assert!(store.waiting_files(&row.id).await.unwrap().is_empty());
}

/// Bounds of the door, and of what is kept.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_given_is_bounded_and_goes_in_time_and_with_its_last_member() {
    let pages = Pages::start(now(), "[retention]\nconsultations_days = 30\n").await.unwrap();
    cast(&pages).await;
    let service = &pages.app.service;
    let procedure = pages.take(&notice("26-1", "Nettoyage.")).await.unwrap();
    let dossier = format!("/procedure/{procedure}/dossier");
    let many: Vec<(String, Vec<u8>)> =
        (0..=consultation::MAX_FILES).map(|n| (format!("piece {n}.txt"), b"texte".to_vec())).collect();
    let many: Vec<(&str, &str, &[u8])> = many.iter().map(|(n, b)| ("dossier", n.as_str(), b.as_slice())).collect();
    let ana = pages.signed_in("ana").await.unwrap();
    assert_eq!(ana.post_files(&dossier, &[], &many).await.unwrap().status, 400);
    let huge = vec![b'x'; consultation::MAX_GIVEN + 2 * 1024 * 1024];
    let answer = ana.post_files(&dossier, &[], &[("dossier", "enorme.zip", &huge)]).await;
    assert!(answer.is_err() || answer.is_ok_and(|a| a.status.is_client_error()), "longer than a form may be");
    assert!(service.store.consultations_of(MINE, &procedure).await.unwrap().is_empty(), "nothing of it is kept");

    let give = async |who: &str| {
        let visitor = pages.signed_in(who).await.unwrap();
        let files: [(&str, &str, &[u8]); 1] = [("dossier", "ccap.txt", CCAP.as_bytes())];
        assert_eq!(visitor.post_files(&dossier, &[], &files).await.unwrap().status, 303);
    };
    let folder = tempfile::tempdir().unwrap();
    let read = async || consultation::read_next(service, &reader(folder.path())).await.map_err(|e| e.what).unwrap();
    let kept = async |structure: &str| service.store.consultations_of(structure, &procedure).await.unwrap().len();

    // Erased: a colleague keeps it without the name; the last member takes it away.
    give("ana").await;
    assert!(read().await);
    give("rival").await;
    personal_data::erase(service, "ana").await.unwrap().unwrap();
    let row = service.store.consultations_of(MINE, &procedure).await.unwrap().remove(0);
    assert_eq!(row.given_by, "personne effacée");
    personal_data::erase(service, "bea").await.unwrap().unwrap();
    personal_data::erase(service, "rival").await.unwrap().unwrap();
    assert_eq!((kept(MINE).await, kept(OTHERS).await), (0, 0));
    assert!(!read().await, "what waited went with who gave it");

    // In time.
    pages.person("zoe", "Zoé", Role::Structure, Some(MINE)).await.unwrap();
    give("zoe").await;
    assert!(read().await);
    for (days, left) in [(29, 1), (31, 0)] {
        let at = now() + Duration::days(days);
        service.clock.set(at);
        personal_data::keep_retention(service, at).await.unwrap();
        assert_eq!(kept(MINE).await, left, "after {days} days");
    }
}

/// What a facilitator's pieces say of a clause that the notice does not show is said to everybody: words and place, never the file.
#[tokio::test(flavor = "multi_thread")]
async fn a_facilitator_says_to_everybody_what_the_pieces_say_and_names_no_file() {
    let pages = Pages::start(now(), "").await.unwrap();
    cast(&pages).await;
    pages.person("fac", "Fanny", Role::Facilitator, None).await.unwrap();
    let service = &pages.app.service;
    let procedure = pages.take(&notice("26-1", "Nettoyage des locaux.")).await.unwrap();
    let dossier = format!("/procedure/{procedure}/dossier");
    let page = format!("/procedure/{procedure}");
    let folder = tempfile::tempdir().unwrap();
    let files: [(&str, &str, &[u8]); 1] = [("dossier", "piece secrete.txt", CCAP.as_bytes())];
    for who in ["fac", "ana"] {
        let visitor = pages.signed_in(who).await.unwrap();
        assert_eq!(visitor.post_files(&dossier, &[], &files).await.unwrap().status, 303);
        assert!(consultation::read_next(service, &reader(folder.path())).await.map_err(|e| e.what).unwrap());
    }
    let (fac, ana, rival) = (
        pages.signed_in("fac").await.unwrap(),
        pages.signed_in("ana").await.unwrap(),
        pages.signed_in("rival").await.unwrap(),
    );
    assert!(!ana.get(&dossier).await.unwrap().body.contains("Dire à tous"), "a structure corrects nothing");
    assert_eq!(ana.post_form(&format!("{dossier}/dire"), &[]).await.unwrap().status, 404);
    assert!(!rival.get(&page).await.unwrap().body.contains("vue au CCAP"));
    let shown = plain(&fac.get(&dossier).await.unwrap().body);
    assert!(shown.contains("Dire à tous") && shown.contains("vue au CCAP, art. 5"), "{shown}");
    assert_eq!(fac.post_form(&format!("{dossier}/dire"), &[]).await.unwrap().status, 303);
    for visitor in [&rival, &pages.stranger().unwrap()] {
        let told = plain(&visitor.get(&page).await.unwrap().body);
        for words in ["800 h", "vue au CCAP, art. 5", "Le titulaire réserve 800 heures"] {
            assert!(told.contains(words), "{words}: {told}");
        }
        assert!(!told.contains("secrete"), "{told}");
    }
    assert_eq!(fac.post_form(&format!("{dossier}/dire"), &[]).await.unwrap().status, 409, "said once");
}

/// The documents that the buyer's profile gives freely are fetched when somebody asks; a page that asks who one is is told of.
#[tokio::test(flavor = "multi_thread")]
async fn free_documents_are_fetched_when_asked_for_and_a_profile_with_an_account_is_said_to_be_one() {
    let routes = axum::Router::new()
        .route("/libre", axum::routing::get(async || axum::response::Html("<a href='/dce/RC.pdf'>RC</a>")))
        .route("/dce/RC.pdf", axum::routing::get(async || b"%PDF-1.4\nrien".to_vec()))
        .route("/ferme", axum::routing::get(async || axum::response::Html("<form><input name=login></form>")));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let profile = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    for (allowed, path, told) in [
        (true, "/libre", None),
        (true, "/ferme", Some("sans compte")),
        (true, "", Some("ne donne pas l’adresse")),
        (false, "/libre", Some("ne répond pas")),
    ] {
        let more = if allowed { "[fetch]\nallow_private = [\"127.0.0.0/8\"]\nhost_gap_ms = 0\n" } else { "" };
        let pages = Pages::start(now(), more).await.unwrap();
        cast(&pages).await;
        let mut call = notice("26-1", "Nettoyage.");
        call.documents_url = Some(format!("{profile}{path}")).filter(|_| !path.is_empty());
        let procedure = pages.take(&call).await.unwrap();
        let dossier = format!("/procedure/{procedure}/dossier");
        let ana = pages.signed_in("ana").await.unwrap();
        assert_eq!(ana.get(&dossier).await.unwrap().body.contains("au profil d’acheteur"), !path.is_empty());
        let answer = ana.post_form(&format!("{dossier}/demander"), &[]).await.unwrap();
        let waiting = pages.app.service.store.consultations_of(MINE, &procedure).await.unwrap().len();
        match told {
            None => assert_eq!((answer.status.as_u16(), waiting), (303, 1), "{}", answer.body),
            Some(words) => {
                assert_eq!((answer.status.as_u16(), waiting), (422, 0));
                assert!(answer.body.contains(words), "{words}: {}", answer.body);
            }
        }
    }
}
