//! The pages: what was judged, what people decide and subscribe to, what operators look after; calendars, feeds, tables and an
//! API for programs.
//!
//! Server-rendered, no outside request, and no script but on the page that asks a browser for its notifications. Templates escape by construction. GET changes nothing but that a signed-in
//! reader read something: mail scanners fetch links, and are not signed in.
//!
//! | module | does |
//! |---|---|
//! | `frame` | what every page shares: templates, visitor, headers, troubles |
//! | `session` | signing in by a link |
//! | `sign_up` | signing oneself up, one question a screen |
//! | `server`, `proxies` | accepting connections within limits; who speaks for others |
//! | `way_back` | where a form comes back to whose sender was signed out |
//! | `cookies` | the session cookie, and who it stands for |
//! | `limits` | how often what costs may be asked for |
//! | `home` | the first page of whoever is signed in |
//! | `browse` | the front page of strangers, and the search |
//! | `chips` | the colours of strength and of state |
//! | `procedure` | one procedure, decisions |
//! | `report` | errors of verdicts: reported, corrected, undone |
//! | `leads`, `upload` | what a structure heard of by itself, with its files |
//! | `downloads` | files that are given to be kept |
//! | `dossier` | the consultation file of a procedure: given, read, shown, searched; the answer begun |
//! | `contracts` | after the award: contracts, services to offer, ends, buyers and companies followed |
//! | `subscriptions`, `preferences` | my subscriptions; when and by which channel I am written to |
//! | `network` | a network's members and its calls under way |
//! | `partner_calls` | calls for partners: the coordinator's table, a participant's answer, files |
//! | `clauses` | the clauses of a territory, month by month |
//! | `month` | my month |
//! | `year` | my year, our year; what contracts won gave |
//! | `account` | my data, sessions, private links, tokens |
//! | `feeds` | calendar and feed at private addresses |
//! | `words` | what people type into the search |
//! | `events` | meetings to come |
//! | `hours_to_fill` | hours of clauses to be worked, for those who answer them |
//! | `operations` | operations of facilitators: calibration, hours, monthly table |
//! | `tables` | tables as CSV |
//! | `api`, `api_changes`, `api_contracts` | the API for programs |
//! | `questions` | what Vigie asked a person in a message of its own |
//! | `hooks` | tools that take messages at an address of their own; notifications of a browser |
//! | `operator` | sources, queue, deliveries, people |
//! | `by_link` | what links in messages open: an answer, a digest in full |
//! | `unsubscribe` | fewer messages, a pause, none any more; and the way back |
//! | `confirm` | the confirmation link of an address |
//! | `public` | about, what is not watched, personal data |
//!
//! What is shown of decisions is read for the structure of whoever asks, and for no other: handlers take it from the session or
//! from the token, never from the request.

pub mod account;
mod api;
mod api_changes;
mod api_contracts;
mod api_partner_calls;
mod browse;
mod by_link;
mod chips;
pub mod clauses;
mod confirm;
mod contracts;
mod cookies;
mod dossier;
mod downloads;
mod events;
mod feeds;
mod frame;
mod home;
mod hooks;
mod hours_to_fill;
mod leads;
mod limits;
mod month;
mod network;
mod operations;
mod operator;
mod partner_calls;
mod period;
mod preferences;
mod procedure;
pub mod proxies;
mod public;
mod questions;
mod report;
pub mod server;
pub mod session;
mod sign_up;
mod subscriptions;
pub mod tables;
mod templates;
mod unsubscribe;
mod upload;
mod way_back;
mod words;
mod year;

use std::io::Write as _;
use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use flate2::Compression;
use flate2::write::GzEncoder;

use frame::Site;
use proxies::Proxies;
use vigie_service::ingest::search_row;
use vigie_service::{Failure, Service};

/// Longest form, in bytes.
const MAX_FORM: usize = 64 * 1024;
/// How long a browser keeps the style sheet: its address changes with its content.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Serves the pages on this listener until `stop` ends.
///
/// # Errors
/// The server stops for a reason of its own.
pub async fn serve_on(
    service: Arc<Service>,
    listener: tokio::net::TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), Failure> {
    let late = Arc::clone(&service);
    tokio::spawn(async move {
        match search_row::catch_up(&late.store, late.clock.now()).await {
            Ok(0) => {}
            Ok(n) => tracing::info!(procedures = n, "made searchable"),
            Err(e) => tracing::error!("earlier procedures cannot be searched yet: {e}"),
        }
    });
    serve_within(service, listener, server::Limits::default(), stop).await
}

/// The same, with other limits on what clients may hold.
///
/// # Errors
/// A template or a setting is broken.
pub async fn serve_within(
    service: Arc<Service>,
    listener: tokio::net::TcpListener,
    limits: server::Limits,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), Failure> {
    let proxies = Arc::new(Proxies::parse(&service.settings.web.trusted_proxies)?);
    server::serve(listener, router(service)?, limits, proxies, stop).await;
    Ok(())
}

/// The routes, for whoever serves them.
///
/// # Errors
/// A template is broken.
pub fn router(service: Arc<Service>) -> Result<Router, Failure> {
    let site = Arc::new(Site::new(service)?);
    Ok(routes()
        .layer(DefaultBodyLimit::max(MAX_FORM))
        .layer(middleware::from_fn_with_state(Arc::clone(&site), frame::around))
        .with_state(site))
}

/// Makes the table of routes, and the list of their paths for tests that walk them all.
macro_rules! routes {
    ($($path:literal => $methods:expr,)*) => {
        /// Every path that is served.
        pub const PATHS: &[&str] = &[$($path),*];

        fn routes() -> Router<Arc<Site>> {
            Router::new()$(.route($path, $methods))*
        }
    };
}

routes! {
    "/" => get(home::front),
    "/chercher" => get(browse::search),
    "/procedure/{id}" => get(procedure::show),
    "/procedure/{id}/decision" => post(procedure::decide),
    "/procedure/{id}/resserrer" => post(procedure::narrow),
    "/procedure/{id}/abonnement" => get(subscriptions::of_procedure),
    "/procedure/{id}/publier" => post(procedure::publish),
    "/procedure/{id}/pieces" => post(leads::attach).layer(DefaultBodyLimit::max(upload::MAX_UPLOAD)),
    "/procedure/{id}/dossier" => get(dossier::show).post(dossier::give).layer(DefaultBodyLimit::max(dossier::MAX_FORM)),
    "/procedure/{id}/dossier/reponse.docx" => get(dossier::answer),
    "/procedure/{id}/dossier/effacer" => post(dossier::forget),
    "/procedure/{id}/dossier/demander" => post(dossier::fetch),
    "/procedure/{id}/dossier/dire" => post(dossier::share),
    "/procedure/{id}/signaler" => get(report::ask).post(report::send),
    "/pistes/nouvelle" => get(leads::ask).post(leads::add).layer(DefaultBodyLimit::max(upload::MAX_UPLOAD)),
    "/pieces/{id}" => get(leads::file),
    "/pieces/{id}/retirer" => post(leads::remove),
    "/contrats" => get(contracts::mine),
    "/contrats/suivre" => post(contracts::follow),
    "/contrats/oublier" => post(contracts::unfollow),
    "/contrat/{id}/{lot}" => get(contracts::show).post(contracts::answer),
    "/acheteur/{id}" => get(contracts::buyer),
    "/titulaire/{id}" => get(contracts::holder),
    "/reseau" => get(network::show),
    "/reseau/membres" => post(network::import).layer(DefaultBodyLimit::max(upload::MAX_UPLOAD)),
    "/reseaux" => post(network::answer),
    "/procedure/{id}/transmettre" => post(network::pass_on),
    "/groupements" => get(partner_calls::list),
    "/groupements/nouveau" => get(partner_calls::ask_new).post(partner_calls::open),
    "/groupements/{id}" => get(partner_calls::show),
    "/groupements/{id}/reponse" => post(partner_calls::answer),
    "/groupements/{id}/partenaires" => get(partner_calls::partners),
    "/groupements/{id}/conduite" => post(partner_calls::conduct),
    "/groupements/{id}/repartition.csv" => get(partner_calls::repartition_csv),
    "/groupements/{id}/repartition.docx" => get(partner_calls::repartition_docx),
    "/abonnements" => get(subscriptions::list),
    "/abonnements/nouveau" => get(subscriptions::fresh).post(subscriptions::make),
    "/abonnements/message-essai" => post(subscriptions::test_message),
    "/abonnements/{id}" => get(subscriptions::edit).post(subscriptions::change),
    "/abonnements/{id}/pause" => post(subscriptions::pause),
    "/abonnements/{id}/retirer" => post(subscriptions::remove),
    "/reglages" => get(preferences::show).post(preferences::save),
    "/reglages/fichier" => post(preferences::follow_file),
    "/reglages/outils" => get(hooks::show).post(hooks::add),
    "/reglages/navigateur" => get(hooks::browser).post(hooks::add_browser),
    "/reglages/outils/{id}/retirer" => post(hooks::remove),
    "/reglages/propositions/{id}" => get(questions::show).post(questions::settle),
    "/mois" => get(month::show),
    "/mois/marches-ouverts" => post(month::no_open_markets_line),
    "/annee" => get(year::show),
    "/annee/compter" => post(year::count_in),
    "/bilan" => get(year::report),
    "/bilan/chiffres" => post(year::put_figures),
    "/clauses" => get(clauses::show),
    "/operations" => get(operations::list),
    "/operations/nouvelle" => get(operations::form::fresh).post(operations::form::make),
    "/operations/a-calibrer" => get(operations::to_calibrate),
    "/operations/a-verifier" => get(operations::unseen::show).post(operations::unseen::say),
    "/operations/suivre" => post(operations::follow),
    "/operations/importer" => get(operations::files::ask).post(operations::files::import).layer(DefaultBodyLimit::max(upload::MAX_UPLOAD)),
    "/operations/coefficients" => get(operations::sheet::coefficients).post(operations::sheet::set_coefficient),
    "/operations/heures-a-pourvoir" => get(operations::to_fill::show).post(operations::to_fill::tell),
    "/operations/heures-a-pourvoir/{id}" => post(operations::to_fill::conduct),
    "/rencontres" => get(events::show).post(events::write),
    "/rencontres/{id}/retirer" => post(events::remove),
    "/heures" => get(hours_to_fill::show).post(hours_to_fill::settle),
    "/heures/{id}" => post(hours_to_fill::answer),
    "/pourvoir/{token}" => get(hours_to_fill::ask_by_link).post(hours_to_fill::answer_by_link),
    "/operations/territoire" => get(operations::area::show).post(operations::area::settle),
    "/operations/tableau" => get(operations::monthly::show).post(operations::monthly::settle),
    "/operations/{id}" => get(operations::show),
    "/operations/{id}/modifier" => get(operations::form::edit).post(operations::form::change),
    "/operations/{id}/note" => post(operations::note),
    "/operations/{id}/marche" => post(operations::attach),
    "/operations/{id}/retirer" => post(operations::remove),
    "/operations/{id}/calibrage" => get(operations::sheet::show).post(operations::sheet::save),
    "/operations/{id}/heures" => get(operations::hours::show).post(operations::hours::write),
    "/operations/{id}/lots" => post(operations::hours::owe),
    "/compte" => get(account::show),
    "/compte/donnees.json" => get(account::export),
    "/compte/partenaires" => post(account::partners),
    "/compte/effacer" => post(account::erase),
    "/compte/jetons" => post(account::make),
    "/compte/jetons/{id}/retirer" => post(account::remove),
    "/adieu" => get(account::farewell),
    "/exploitation" => get(operator::front),
    "/exploitation/etat" => get(operator::standing),
    "/exploitation/sources" => get(operator::sources),
    "/exploitation/sources/nouvelle" => get(operator::new_source).post(operator::make_source),
    "/exploitation/sources/{id}" => get(operator::show_source).post(operator::act_on_source),
    "/exploitation/alarmes" => get(operator::alarms),
    "/exploitation/illisibles" => get(operator::put_aside).post(operator::act_on_put_aside),
    "/exploitation/illisibles/{id}" => get(operator::put_aside_bytes),
    "/exploitation/annuaires" => get(operator::directories).post(operator::import_directory).layer(DefaultBodyLimit::max(upload::MAX_UPLOAD)),
    "/exploitation/envois" => get(operator::deliveries),
    "/exploitation/envois/rejouer" => post(operator::replay),
    "/exploitation/envois/{id}" => get(operator::show_delivery),
    "/exploitation/personnes" => get(operator::people),
    "/exploitation/personnes/{id}" => get(operator::show_person).post(operator::act_on_person),
    "/exploitation/personnes/{id}/role" => post(operator::set_role),
    "/exploitation/personnes/{id}/structure" => post(operator::settle_claim),
    "/exploitation/inviter" => get(operator::invite).post(operator::act_on_invitations),
    "/exploitation/reglages" => get(operator::settings).post(operator::reload),
    "/exploitation/acces" => get(operator::access).post(operator::revoke),
    "/tableaux/recherche.csv" => get(tables::search),
    "/tableaux/decisions.csv" => get(tables::decisions),
    "/tableaux/alertes.csv" => get(tables::alerts),
    "/tableaux/mois.csv" => get(tables::my_month),
    "/tableaux/annee.csv" => get(year::csv),
    "/tableaux/bilan.csv" => get(year::report_csv),
    "/tableaux/clauses.csv" => get(clauses::table),
    "/tableaux/operations.csv" => get(operations::files::operations),
    "/tableaux/heures.csv" => get(operations::files::hours),
    "/tableaux/modele-operations.csv" => get(operations::files::operations_model),
    "/tableaux/modele-heures.csv" => get(operations::files::hours_model),
    "/tableaux/mensuel.csv" => get(operations::monthly::file),
    "/tableaux/envois.csv" => get(tables::deliveries),
    "/tableaux/personnes.csv" => get(tables::people),
    "/agenda/{token}" => get(feeds::agenda),
    "/fil/{token}" => get(feeds::atom),
    "/api" => get(api::page),
    "/api/openapi.json" => get(api::openapi),
    "/api/v1/procedures" => get(api::procedures),
    "/api/v1/procedures/{id}" => get(api::procedure),
    "/api/v1/procedures/{id}/decisions" => get(api::decisions_on).put(api::decide),
    "/api/v1/decisions" => get(api::decisions),
    "/api/v1/subscriptions" => get(api::subscriptions).post(api::subscribe),
    "/api/v1/subscriptions/{id}" => get(api::subscription).put(api::resubscribe).delete(api::unsubscribe),
    "/api/v1/leads" => post(leads::add_by_program),
    "/api/v1/changes" => get(api_changes::changes),
    "/api/v1/contracts" => get(api_contracts::contracts),
    "/api/v1/procedures/{id}/contracts" => get(api_contracts::contracts_of),
    "/api/v1/renewals" => get(api_contracts::renewals),
    "/api/v1/offers" => get(api_contracts::offers),
    "/api/v1/procedures/{id}/offer" => axum::routing::put(api_contracts::answer),
    "/api/v1/accounts" => get(api_contracts::accounts).post(api_contracts::follow),
    "/api/v1/accounts/{id}" => axum::routing::delete(api_contracts::unfollow),
    "/api/v1/partner-calls" => get(api_partner_calls::list),
    "/api/v1/partner-calls/{id}" => get(api_partner_calls::show),
    "/inscription" => get(sign_up::ask).post(sign_up::send),
    "/entrer" => get(session::ask).post(session::send),
    "/entrer/{token}" => get(session::show).post(session::open),
    "/sortir" => post(session::close),
    "/desabonner/{token}" => get(unsubscribe::ask).post(unsubscribe::act),
    "/sans-reserves-aux-autres/{token}" => get(by_link::ask_without_closed).post(by_link::without_closed),
    "/confirmer/{token}" => get(confirm::ask).post(confirm::agree),
    "/repondre/{token}" => get(by_link::ask_answer).post(by_link::answer),
    "/proposition/{token}" => get(questions::ask).post(questions::answer),
    "/resume/{token}" => get(by_link::digest),
    "/a-propos" => get(public::about),
    "/non-veille" => get(public::not_watched),
    "/donnees-personnelles" => get(public::privacy),
    "/sante" => get(public::health),
    "/style.css" => get(style),
    "/navigateur.js" => get(|| async { script(templates::BROWSER_SCRIPT) }),
    "/notifications.js" => get(|| async { script(templates::BROWSER_WORKER) }),
    "/icone.svg" => get(|| async { still("image/svg+xml", templates::ICON) }),
    "/robots.txt" => get(|| async { still("text/plain; charset=utf-8", ROBOTS) }),
}

/// Search engines have the publishers' own pages.
const ROBOTS: &str = "User-agent: *\nDisallow: /\n";

/// A script under an address that stays: a browser asks again whether it changed.
fn script(body: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], body)
}

/// The style sheet, packed for browsers that unpack: a third of what a first page weighs. Pages themselves are not packed, for one that
/// holds a token beside what somebody typed tells it by its length (BREACH).
async fn style(headers: HeaderMap) -> Response {
    static PACKED: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let mut packed = GzEncoder::new(Vec::new(), Compression::best());
        // Memory takes all that is written; else it goes out as it is.
        packed.write_all(templates::STYLE.as_bytes()).and_then(|()| packed.finish()).unwrap_or_default()
    });
    const KIND: &str = "text/css; charset=utf-8";
    let vary = (header::VARY, header::ACCEPT_ENCODING.as_str());
    if unpacks(&headers) && !PACKED.is_empty() {
        let body: &'static [u8] = &PACKED;
        let head = [(header::CONTENT_ENCODING, "gzip"), vary];
        return (head, [(header::CONTENT_TYPE, KIND), (header::CACHE_CONTROL, FOR_EVER)], body).into_response();
    }
    ([vary], still(KIND, templates::STYLE)).into_response()
}

/// Whether a browser takes gzip (RFC 9110, 12.5.3).
fn unpacks(headers: &HeaderMap) -> bool {
    let said = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|v| v.to_str().ok());
    said.flat_map(|v| v.split(',')).any(|one| {
        let (name, weight) = one.split_once(';').unwrap_or((one, ""));
        let weight = weight.trim().trim_start_matches("q=").parse::<f32>().unwrap_or(1.0);
        name.trim().eq_ignore_ascii_case("gzip") && weight > 0.0
    })
}

fn still(kind: &'static str, body: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, FOR_EVER)], body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_takes_gzip_gets_it() {
        let of = |said: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, said.parse().unwrap());
            unpacks(&headers)
        };
        for said in ["gzip", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8", "GZIP"] {
            assert!(of(said), "{said}");
        }
        for said in ["", "br", "identity", "gzip;q=0", "gzip;q=0.0, br"] {
            assert!(!of(said), "{said}");
        }
        assert!(!unpacks(&HeaderMap::new()));
    }
}
