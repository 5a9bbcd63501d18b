//! Signing oneself up, one question a screen: who, which structure, trades, places, what that would have sent, and where to write.
//!
//! Each screen is an address that holds what was said so far, so that the browser's way back works and nothing is kept before the last one.
//! Only the last screen takes an e-mail address, and it alone posts. What comes of it is done afterwards: the answer is the same,
//! and takes as long, whoever is known.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use minijinja::context;
use minijinja::value::Serde;
use vigie_config::mail_address;
use vigie_config::secret::expose;
use vigie_config::settings::SignUpMode;
use vigie_domain::directory::Structure;
use vigie_domain::subscription::Role;
use vigie_domain::{Buyer, Cadence, Filter, Phase, StructureKind, Subscriber, french};
use vigie_notifier::card::short;
use vigie_notifier::labels::structure_label;
use vigie_notifier::{criteria, fit};
use vigie_service::answers::action::folded;
use vigie_service::subscriptions::Wish as Kept;
use vigie_service::{breadth, personal_data, preview, sign_up};

use super::browse::{departments, sectors};
use super::frame::{Client, Fields, Shown, Site, Trouble, Visitor};
use super::limits::What;
use super::session::nothing_leaves;
use super::subscriptions::form::{self, Wish};

/// Longest name of a person.
const MAX_NAME: usize = 60;
/// Most fields carried from screen to screen.
const MAX_FIELDS: usize = 200;

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Screen {
    Who,
    Siret,
    Structure,
    Trades,
    Places,
    Example,
    Rhythm,
    Address,
}

const SCREENS: [(Screen, &str); 8] = [
    (Screen::Who, "qui"),
    (Screen::Siret, "siret"),
    (Screen::Structure, "structure"),
    (Screen::Trades, "metiers"),
    (Screen::Places, "lieux"),
    (Screen::Example, "exemple"),
    (Screen::Rhythm, "rythme"),
    (Screen::Address, "adresse"),
];

/// The fields that each screen asks for: what it shows itself is not carried along.
fn asked(screen: Screen) -> &'static [&'static str] {
    match screen {
        Screen::Who => &["qui"],
        Screen::Siret => &["siret"],
        Screen::Structure => &["sorte"],
        Screen::Trades => &["secteur", "metier", "precis"],
        Screen::Places => &["departement", "commune", "km", "rayon", "epci"],
        Screen::Example => &[],
        Screen::Rhythm => &["rythme"],
        Screen::Address => &["email", "nom", "code"],
    }
}

impl Screen {
    fn word(self) -> &'static str {
        SCREENS.iter().find(|(s, _)| *s == self).map_or("", |(_, word)| word)
    }

    /// The screens of somebody of that role, in order.
    fn of(role: Role) -> Vec<Self> {
        SCREENS
            .iter()
            .map(|(s, _)| *s)
            .filter(|s| match s {
                Self::Siret => speaks_for_somebody(role),
                Self::Structure => role == Role::Structure,
                _ => true,
            })
            .collect()
    }
}

/// Whether somebody of that role speaks for an organisation, which has a SIRET.
fn speaks_for_somebody(role: Role) -> bool {
    matches!(role, Role::Structure | Role::Facilitator)
}

fn role(fields: &Fields) -> Role {
    match fields.one("qui") {
        "facilitateur" => Role::Facilitator,
        "lecteur" => Role::Subscriber,
        _ => Role::Structure,
    }
}

/// What is wrong on which screen.
type Fault = (Screen, &'static str, String);

/// What was said so far, read.
struct Said {
    role: Role,
    wish: Wish,
    siret: Option<String>,
    structure: Option<Structure>,
    fault: Option<Fault>,
}

async fn read(site: &Site, fields: &Fields) -> Result<Said, Trouble> {
    let role = role(fields);
    let wish = form::wish(fields);
    let mut fault = wish.faults.iter().find_map(|(field, text)| {
        let screen = match *field {
            "metier" => Screen::Trades,
            "commune" | "epci" => Screen::Places,
            _ => return None,
        };
        Some((screen, *field, text.clone()))
    });
    let typed = fields.one("siret");
    let siret = Buyer::clean_siret(typed).filter(|n| n.len() == 14);
    let listed = match &siret {
        Some(siret) => site.service.store.structure(siret).await?,
        None => None,
    };
    let mistyped = siret.as_deref().is_some_and(|siret| listed.is_none() && !Buyer::has_key(siret));
    let structure = listed.filter(|_| role == Role::Structure);
    if speaks_for_somebody(role) && mistyped {
        let text =
            "Ce SIRET comporte une faute de frappe : vérifiez ses chiffres, ou laissez vide pour continuer à la main.";
        fault = Some((Screen::Siret, "siret", text.to_owned()));
    }
    if speaks_for_somebody(role) && siret.is_none() && !typed.is_empty() {
        let text = "Un SIRET a quatorze chiffres : vérifiez-le, ou laissez vide pour continuer à la main.";
        fault = Some((Screen::Siret, "siret", text.to_owned()));
    }
    Ok(Said { role, wish, siret, structure, fault })
}

fn possible(site: &Site) -> Result<SignUpMode, Trouble> {
    match site.service.settings.sign_up.mode {
        SignUpMode::Off => Err(Trouble::no_page()),
        mode => Ok(mode),
    }
}

pub(crate) async fn ask(State(site): State<Arc<Site>>, visitor: Visitor, client: Client, fields: Fields) -> Shown {
    possible(&site)?;
    let said = read(&site, &fields).await?;
    let wanted = SCREENS.iter().find(|(_, word)| *word == fields.one("etape")).map_or(Screen::Who, |(s, _)| *s);
    // The first screen leads to the second one of whoever is most often here: others go on at the next of theirs.
    let wanted = Screen::of(said.role).into_iter().find(|s| *s >= wanted).unwrap_or(wanted);
    // What cannot be read is asked again before anything that follows.
    let (screen, fault) = match &said.fault {
        Some((at, field, text)) if *at < wanted => (*at, Some((*field, text.clone()))),
        _ => (wanted, None),
    };
    page(&site, &visitor, client, (&fields, &said), screen, fault).await
}

/// A link or a hidden field of the way.
#[derive(serde::Serialize)]
struct Way {
    /// Which of how many.
    n: usize,
    of: usize,
    next: &'static str,
    back: Option<String>,
    carried: Vec<(String, String)>,
}

fn way(fields: &Fields, role: Role, screen: Screen) -> Way {
    let screens = Screen::of(role);
    let n = screens.iter().position(|s| *s == screen).unwrap_or(0);
    let mut gone = vec!["etape"];
    gone.extend(asked(screen));
    gone.extend(asked(Screen::Address)); // no address of anybody stands in that of a page
    let mut carried = fields.without(&gone);
    carried.truncate(MAX_FIELDS);
    let back = n.checked_sub(1).and_then(|n| screens.get(n)).map(|before| {
        let query = fields.query_without(&["etape", "email", "nom", "code"]);
        format!("/inscription?etape={}&{query}", before.word())
    });
    let next = screens.get(n + 1).map_or("", |s| s.word());
    Way { n: n + 1, of: screens.len(), next, back, carried }
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    client: Client,
    (fields, said): (&Fields, &Said),
    screen: Screen,
    fault: Option<(&'static str, String)>,
) -> Result<Response, Trouble> {
    let filter = &said.wish.filter;
    let mut way = way(fields, said.role, screen);
    // A circle took the place of what the directory knew: ticked anew, a département is theirs.
    if fields.all("prerempli").next().is_some() && said.wish.prefilled.is_empty() {
        way.carried.retain(|(name, _)| !matches!(name.as_str(), "departement" | "prerempli"));
    }
    // What the directory knows of a structure stands in the next screens, to be corrected there: a circle that is asked for then takes
    // the place of its départements.
    if let Some(known) = said.structure.as_ref().filter(|_| screen == Screen::Structure) {
        if filter.sectors.is_empty() {
            way.carried.extend(known.sectors.iter().map(|s| ("secteur".to_owned(), s.clone())));
        }
        if filter.departments.is_empty() && said.wish.prefilled.is_empty() && filter.around.is_empty() {
            for d in &known.departments {
                way.carried.extend(["departement", "prerempli"].map(|name| (name.to_owned(), d.to_string())));
            }
        }
    }
    let kind = kind(fields, said.structure.as_ref());
    let kinds: Vec<(&str, &str, bool)> =
        StructureKind::ALL.into_iter().map(|k| (k.acronym(), structure_label(k), Some(k) == kind)).collect();
    let cadence =
        if fields.one("rythme").is_empty() { Cadence::default_for(said.role, kind) } else { said.wish.cadence };
    let cadences: Vec<(String, String, bool)> = form::cadences(cadence);
    let example = match screen {
        Screen::Example => example(site, client, (fields, said.role), filter, kind).await?,
        _ => None,
    };
    let service = &site.service;
    let status = if fault.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(site.page_as(
        status,
        visitor,
        "inscription.html",
        context! {
            screen => screen.word(),
            way => Serde(way),
            fault => Serde(fault),
            who => fields.one("qui"),
            siret => fields.one("siret"),
            structure => said.structure.as_ref().map(|s| short(&s.name, 80)),
            town => said.structure.as_ref().and_then(town),
            no_trade => said.structure.as_ref().is_some_and(|s| s.sectors.is_empty()),
            kinds => Serde(kinds),
            sectors => Serde(sectors(&filter.sectors)),
            trades => form::trades(),
            // What was understood is ticked among the others.
            metier => if said.wish.faults.iter().any(|(field, _)| *field == "metier") { fields.one("metier") } else { "" },
            near => said.wish.near.clone(),
            departments => Serde(departments(&filter.departments)),
            commune => fields.one("commune"),
            km => if fields.one("km").is_empty() { "20" } else { fields.one("km") },
            epci => fields.one("epci"),
            criteria => french::capital(&criteria::in_french(filter)),
            example => Serde(example),
            cadences => Serde(cadences),
            scope => kind.filter(|_| said.role == Role::Structure).map(fit::scope_in_french),
            email => fields.one("email"),
            name => fields.one("nom"),
            code => service.settings.sign_up.mode == SignUpMode::Code,
            purpose => personal_data::PURPOSE,
            forgotten => service.settings.retention.unconfirmed_days,
        },
    ))
}

/// Where the directory has a structure: names are shared, a name and a town seldom.
fn town(structure: &Structure) -> Option<String> {
    let place = structure.place.as_ref()?;
    let said: Vec<&str> = place.postcode.iter().chain(&place.city).map(String::as_str).collect();
    (!said.is_empty()).then(|| short(&said.join(" "), 80))
}

fn kind(fields: &Fields, known: Option<&Structure>) -> Option<StructureKind> {
    StructureKind::parse(fields.one("sorte")).or(known.map(|s| s.kind))
}

/// A market that a wish would have told of.
#[derive(serde::Serialize)]
struct Told {
    procedure: String,
    title: String,
    /// It is not published yet: nothing can be answered.
    planned: bool,
}

/// What a wish would have sent.
#[derive(serde::Serialize)]
struct Example {
    text: String,
    samples: Vec<Told>,
    /// How many more than the samples.
    more: usize,
    /// Too much, or nothing: what is asked, and the changes that would help most, each with the address of this screen after it.
    question: Option<String>,
    ways: Vec<(String, String)>,
}

/// `None` where too much was asked for from there: the way goes on without.
async fn example(
    site: &Site,
    client: Client,
    (fields, role): (&Fields, Role),
    filter: &Filter,
    kind: Option<StructureKind>,
) -> Result<Option<Example>, Trouble> {
    if !site.limits.allow(client.0, What::Costly, site.service.clock.now()) {
        return Ok(None);
    }
    let _one_of_few = site.previews.acquire().await.map_err(|_| Trouble::no_page())?;
    let profile = vigie_domain::subscription::Profile { kind, ..Default::default() };
    let seen = preview::preview(&site.service, filter, &profile, preview::DAYS).await?;
    let ids: Vec<String> = seen.samples.iter().map(|s| s.procedure.clone()).collect();
    let now = site.service.clock.now();
    let rows = site.service.store.search_rows(&ids).await?;
    let is_planned = |id: &str| rows.iter().any(|r| r.procedure == id && r.state_at(now).phase == Phase::Planned);
    let samples: Vec<Told> = seen
        .samples
        .iter()
        .map(|s| Told {
            procedure: s.procedure.clone(),
            title: short(&s.title, 140),
            planned: is_planned(&s.procedure),
        })
        .collect();
    let more = seen.matching.saturating_sub(samples.len());
    // Nobody yet: what they went for is not known.
    let stranger = Subscriber { id: String::new(), name: String::new(), role, profile };
    let advice = breadth::advise(&site.service, &stranger, filter, &seen).await?;
    let ways = advice.iter().flat_map(|a| a.choices().into_iter().zip(&a.ways));
    let ways = ways.filter_map(|(label, way)| Some((label, after(fields, &way.filter)?))).collect();
    let question = advice.as_ref().map(breadth::Advice::question);
    Ok(Some(Example { text: seen.in_french(filter), samples, more, question, ways }))
}

/// The address of the screen that shows what other conditions would have sent; `None` where the screens cannot say them.
fn after(fields: &Fields, filter: &Filter) -> Option<String> {
    let said = form::written(filter);
    if form::wish(&Fields::of(said.clone())).filter != *filter {
        return None;
    }
    let mut all = fields.without(&["etape", "email", "nom", "code"]);
    all.retain(|(name, _)| matches!(name.as_str(), "qui" | "siret" | "sorte" | "rythme"));
    all.extend(said);
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish();
    Some(format!("/inscription?etape={}&{query}", Screen::Example.word()))
}

/// Whether a code is the one of the settings; capitals, spaces and accents change nothing.
fn is_code(site: &Site, typed: &str) -> bool {
    let Some(Ok(code)) = site.service.settings.sign_up.code.as_ref().map(|c| c.read()) else { return false };
    let (wanted, typed) = (folded(expose(&code)), folded(typed));
    // Of the same length at every try, whatever is the same.
    let differing = wanted.bytes().zip(typed.bytes()).filter(|(a, b)| a != b).count();
    !wanted.is_empty() && wanted.len() == typed.len() && differing == 0
}

pub(crate) async fn send(State(site): State<Arc<Site>>, visitor: Visitor, client: Client, fields: Fields) -> Shown {
    let mode = possible(&site)?;
    let now = site.service.clock.now();
    if !site.limits.allow(client.0, What::SignUp, now) {
        return Err(Trouble::new(
            StatusCode::TOO_MANY_REQUESTS,
            "Trop de demandes",
            "Attendez un quart d’heure avant de vous inscrire d’ici.",
        ));
    }
    let said = read(&site, &fields).await?;
    let (screen, fault) = match (&said.fault, mail_address::canonical(fields.one("email"))) {
        (Some((at, field, text)), _) => (*at, Some((*field, text.clone()))),
        (None, Err(_)) => (
            Screen::Address,
            Some(("email", "Cette adresse électronique est incomplète : écrivez nom@domaine.".to_owned())),
        ),
        (None, Ok(_)) if mode == SignUpMode::Code && !is_code(&site, fields.one("code")) => {
            (Screen::Address, Some(("code", "Ce code n’est pas le bon.".to_owned())))
        }
        (None, Ok(email)) => {
            let filter = said.wish.filter.clone();
            let kind = kind(&fields, said.structure.as_ref());
            let next = format!(
                "/abonnements/nouveau?{}",
                fields.query_without(&["etape", "email", "nom", "code", "qui", "siret", "sorte"])
            );
            let request = sign_up::Request {
                email,
                name: short(fields.one("nom"), MAX_NAME),
                role: said.role,
                kind: kind.filter(|_| said.role == Role::Structure),
                siret: said.siret.clone().filter(|_| speaks_for_somebody(said.role)),
                sectors: filter.sectors.clone(),
                departments: filter.departments.clone(),
                wish: Kept { name: String::new(), filter, cadence: said.wish.cadence },
            };
            let service = Arc::clone(&site.service);
            tokio::spawn(async move {
                if let Err(e) = sign_up::begin(&service, &request, &next, now).await {
                    tracing::error!("sign-up failed: {}", e.what);
                }
            });
            let text = format!(
                "Un message part à {} : ouvrez son lien, confirmez, et la veille commence.",
                short(fields.one("email"), 254)
            );
            let again = fields.query_without(&["etape", "email", "nom", "code"]);
            let again = format!("/inscription?etape={}&{again}", Screen::Address.word());
            let also = [
                "Rien reçu ? Regardez dans les indésirables ; au bout d’une heure, recommencez : un second message ne part pas plus tôt.".to_owned(),
                "Si cette adresse reçoit déjà des alertes, le lien vous fait entrer sur vos pages.".to_owned(),
                nothing_leaves(&site),
            ];
            let values = context! {
                title => "Regardez votre messagerie", text => text, also => Serde(&also),
                back => again, back_text => "Ce n’est pas la bonne adresse ? Corrigez-la",
            };
            return Ok(site.page(&visitor, "mot.html", values));
        }
    };
    page(&site, &visitor, client, (&fields, &said), screen, fault).await
}

#[cfg(test)]
mod tests {
    use vigie_domain::Place;

    use super::*;

    #[test]
    fn a_structure_is_told_from_another_of_its_name_by_its_town() {
        let place = |city: Option<&str>, postcode: Option<&str>| Place {
            city: city.map(str::to_owned),
            postcode: postcode.map(str::to_owned),
            nuts: None,
        };
        let of = |place| Structure {
            siret: "33333333300017".into(),
            name: "AILES".into(),
            kind: StructureKind::Ei,
            sectors: Vec::new(),
            departments: Vec::new(),
            place,
            naf: None,
        };
        assert_eq!(town(&of(Some(place(Some("Lens"), Some("62300"))))).as_deref(), Some("62300 Lens"));
        assert_eq!(town(&of(Some(place(Some("Lens"), None)))).as_deref(), Some("Lens"));
        assert_eq!((town(&of(Some(place(None, None)))), town(&of(None))), (None, None));
    }
}
