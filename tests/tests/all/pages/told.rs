//! What a person is told on the pages is true and leads on: what is in force, what waits, what is not watched, what cannot be said yet.

use super::*;
use chrono_tz::Europe::Paris;
use vigie_domain::{Cadence, StructureKind};
use vigie_service::links::Purpose;
use vigie_store::people::{AddressState, NewSubscriber};

const OPEN: &str = "[sign_up]\nmode = \"open\"\n[email]\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nfrom = \"Vigie <vigie@vigie.example>\"\n";

/// A page with plain spaces: those of French are no matter here.
fn plain(answer: &Answer) -> String {
    answer.body.replace(['\u{a0}', '\u{202f}'], " ")
}

async fn unsubscribe(pages: &Pages, person: &str) -> String {
    let address = pages.app.service.store.addresses(person).await.unwrap().remove(0);
    let link = pages.app.service.unsubscribe_url(&address.id).unwrap();
    link.strip_prefix(&pages.base).unwrap().to_owned()
}

/// « Gagné » was offered, and taken, a month before the closing date.
#[tokio::test]
async fn nobody_wins_what_others_may_still_bid_for() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    let procedure = pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let (mut jeanne, path) = (pages.signed_in("jeanne").await.unwrap(), format!("/procedure/{procedure}"));
    let decide = async |jeanne: &Visitor, stage: &str| {
        let stands = pages.app.service.store.decisions_on(MINE, &procedure).await.unwrap();
        let seen = stands.iter().find(|d| d.lot.is_empty()).map(Decision::mark).unwrap_or_default();
        let fields = [("stage", stage), ("seen", seen.as_str())];
        jeanne.post_form(&format!("{path}/decision"), &fields).await.unwrap()
    };
    assert_eq!(decide(&jeanne, "submitted").await.status, 303);
    let page = ok(&jeanne, &path).await.body;
    assert!(!page.contains("value=\"won\"") && page.contains("Pas encore remis"), "{page}");
    for early in ["won", "lost"] {
        let refused = decide(&jeanne, early).await;
        let said = plain(&refused);
        assert!(refused.status == 409 && said.contains("ouvert jusqu’au 21 décembre 2026"), "{said}");
    }
    // The address of what was refused, opened again, is that of its page.
    let again = jeanne.get(&format!("{path}/decision")).await.unwrap();
    assert_eq!((again.status.as_u16(), again.location.as_deref()), (303, Some(path.as_str())));
    let stage = async || pages.app.service.store.decisions_on(MINE, &procedure).await.unwrap().remove(0).stage;
    assert_eq!(stage().await, Stage::Submitted);
    pages.app.service.clock.set(now() + Duration::days(40));
    jeanne = pages.signed_in("jeanne").await.unwrap();
    assert!(ok(&jeanne, &path).await.body.contains("value=\"won\""));
    assert_eq!(decide(&jeanne, "won").await.status, 303);
    assert_eq!(stage().await, Stage::Won);
}

/// Whoever asked on a Saturday for one digest a week got one on Sunday; and the page did not say what was in force.
#[tokio::test]
async fn one_digest_a_week_is_one_a_week_from_then_on_and_is_taken_back() {
    let pages = pages().await;
    let store = &pages.app.service.store;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    store.put_subscription("jeanne", &Filter::default(), Cadence::Daily, now()).await.unwrap();
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let due = async || store.next_digest_of("jeanne").await.unwrap().unwrap().with_timezone(&Paris).date_naive();
    let day = |d| NaiveDate::from_ymd_opt(2026, 11, d).unwrap();
    assert_eq!(due().await, day(22));
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let list = plain(&ok(&jeanne, "/abonnements").await);
    assert!(list.contains("0 marché signalé") && list.contains("1 à venir dans le prochain résumé"), "{list}");

    let (reader, link) = (pages.stranger().unwrap(), unsubscribe(&pages, "jeanne").await);
    let less = plain(&reader.post(&link, &[("que", "moins")]).await.unwrap());
    assert!(less.contains("Le prochain vient le 23 novembre 2026"), "{less}");
    assert_eq!(due().await, day(23), "a Monday");
    let again = plain(&ok(&reader, &link).await);
    assert!(again.contains("Vous recevez un seul résumé par semaine") && !again.contains("value=\"moins\""), "{again}");
    assert_eq!(reader.post(&link, &[("que", "habituel")]).await.unwrap().status, 200);
    let cadence = store.subscriptions_of("jeanne").await.unwrap().remove(0).cadence;
    let kind = store.subscriber("jeanne").await.unwrap().unwrap().profile.kind;
    assert_eq!(cadence, Cadence::default_for(Role::Structure, kind));

    reader.post(&link, &[("que", "pause")]).await.unwrap();
    let resting = plain(&ok(&reader, &link).await);
    assert!(resting.contains("en pause jusqu’au 21 décembre 2026") && resting.contains("Reprendre"), "{resting}");
    reader.post(&link, &[("que", "reprendre")]).await.unwrap();
    assert_eq!(store.subscriptions_of("jeanne").await.unwrap().remove(0).paused_until, None);

    let stopped = reader.post(&link, &[("que", "arret")]).await.unwrap().body;
    assert!(stopped.contains("même ancien"), "how to come back: {stopped}");
    let asked = reader.post("/entrer", &[("email", "jeanne@structure.example")]).await.unwrap().body;
    assert!(asked.contains("que vous avez désabonnée"), "{asked}");
}

/// On the first of the month « Rien ce mois-ci » stood beside six markets to be decided on.
#[tokio::test]
async fn a_month_keeps_what_waits_for_an_answer_since_the_one_before() {
    let pages = pages().await;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    pages.take(&call("26-1", "Entretien du linge")).await.unwrap();
    let declined = pages.take(&call("26-2", "Nettoyage des gymnases")).await.unwrap();
    pages.app.service.store.decide(&Decision::new(MINE, &declined, Stage::NoGo, "Jeanne", now())).await.unwrap();
    pages.app.service.clock.set(now() + Duration::days(11));
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    let month = plain(&ok(&jeanne, "/mois?mois=2026-12").await);
    assert!(month.contains("Entretien du linge") && month.contains("aria-label=\"Repérés : 1\""), "{month}");
    assert!(!month.contains("Nettoyage des gymnases"), "left out in November: {month}");
    pages.app.service.clock.set(now() + Duration::days(45));
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    assert!(ok(&jeanne, "/mois?mois=2027-01").await.body.contains("Rien ce mois-ci"), "closed meanwhile");
}

#[tokio::test]
async fn a_search_says_its_state_and_what_the_others_hold() {
    let pages = pages().await;
    let mut over = call("26-1", "Entretien du linge");
    over.dates[0].at = DateTime::parse_from_rfc3339("2026-11-20T12:00:00+01:00").unwrap();
    pages.take(&over).await.unwrap();
    let reader = pages.stranger().unwrap();
    let none = plain(&ok(&reader, "/chercher?q=linge").await);
    assert!(none.contains("État : ouvert") && none.contains("d’abord les plus récents"), "{none}");
    assert!(none.contains("1 marché dans tous les états") && none.contains("q=linge&amp;etat=tous"), "{none}");
    assert!(ok(&reader, "/chercher?q=linge&etat=tous").await.body.contains("Entretien du linge"));
    assert!(ok(&reader, "/chercher?q=zeppelin").await.body.contains("Rien ne correspond"));
}

#[tokio::test]
async fn whoever_just_agreed_is_in_and_the_head_of_the_page_says_so() {
    let pages = Pages::start(now(), OPEN).await.unwrap();
    let store = &pages.app.service.store;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    pages.subscription("jeanne", &Filter::default()).await.unwrap();
    let address = store.addresses("jeanne").await.unwrap().remove(0);
    store.set_address_state(&address.id, AddressState::Unconfirmed, "essai").await.unwrap();
    let link = pages.app.service.link(Purpose::Confirm, &address.id, Some(now() + Duration::days(7))).unwrap();
    let done = pages.stranger().unwrap().post(link.strip_prefix(&pages.base).unwrap(), &[]).await.unwrap();
    assert!(done.body.contains("Sortir") && !done.body.contains("S’inscrire"), "{}", done.body);
}

#[tokio::test]
async fn what_a_kind_is_told_of_and_what_is_not_watched_are_said() {
    let more = "\n[[source]]\nid = \"bulletin\"\nkind = \"boamp\"\ndepartments = [\"62\"]\n";
    let pages = Pages::start(now(), more).await.unwrap();
    let store = &pages.app.service.store;
    pages.person("jeanne", "Jeanne", Role::Structure, Some(MINE)).await.unwrap();
    let mut person = store.subscriber("jeanne").await.unwrap().unwrap();
    person.profile.kind = Some(StructureKind::Ai);
    let known = NewSubscriber { subscriber: person, addresses: Vec::new(), declared: false };
    store.put_subscriber(&known, now()).await.unwrap();
    let jeanne = pages.signed_in("jeanne").await.unwrap();
    for path in ["/abonnements", "/abonnements/nouveau"] {
        let page = plain(&ok(&jeanne, path).await);
        assert!(page.contains("votre type (AI)") && page.contains("même de vos métiers"), "{page}");
    }
    let offered = "/inscription?etape=exemple&qui=structure&sorte=AI&departement=62";
    let open = Pages::start(now(), OPEN).await.unwrap();
    assert!(ok(&open.stranger().unwrap(), offered).await.body.contains("votre type (AI)"));

    let page = plain(&ok(&pages.stranger().unwrap(), "/non-veille").await);
    assert!(page.contains("n’est lu ici que pour Pas-de-Calais (62)"), "{page}");
    assert!(page.contains("<strong>TED</strong>") && page.contains("n’a encore jamais répondu"), "{page}");
    assert!(!page.contains("exploitant"), "{page}");
}
