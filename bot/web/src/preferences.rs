//! My settings: at which hours, on which days and by which channel I am written to, and who stands in for me while I am away.
//!
//! What is chosen here shows in chats, and what is said there shows here: both call `vigie_service::preferences`. What is wrong is
//! said, changes nothing, and leaves what was typed.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::{NaiveDate, NaiveTime, TimeZone, Utc};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::preferences::{Days, MessageKind};
use vigie_domain::subscription::QuietHours;
use vigie_domain::{Channel, Permission, french};
use vigie_service::preferences::{self, Change, Period, Setting, Settled, Standing};
use vigie_service::questions::{self, Question};
use vigie_service::{declared, subscriptions};

use super::cookies::Session;
use super::frame::{Fields, Posted, Shown, SignedIn, Site, Trouble, Visitor};

/// The places of channels that take over.
const PLACES: [&str; 5] = ["D’abord", "En deuxième", "En troisième", "En quatrième", "En cinquième"];

/// One of a list.
#[derive(serde::Serialize)]
struct Choice {
    value: String,
    label: String,
    on: bool,
}

/// A list to choose from.
#[derive(serde::Serialize)]
struct Select {
    name: String,
    label: String,
    options: Vec<Choice>,
}

/// What the fields hold: as it stands, or as it was typed.
struct Held<'a> {
    standing: &'a Standing,
    typed: Option<&'a Fields>,
}

impl Held<'_> {
    fn value(&self, name: &str, stands: String) -> String {
        self.typed.map_or(stands, |fields| fields.one(name).to_owned())
    }

    fn select(&self, name: &str, label: &str, stands: String, options: Vec<(String, String)>) -> Select {
        let value = self.value(name, stands);
        let options = options.into_iter().map(|(v, label)| Choice { on: v == value, value: v, label }).collect();
        Select { name: name.to_owned(), label: label.to_owned(), options }
    }

    fn hours(&self, name: &str, label: &str, none: &str, stands: Option<u8>) -> Select {
        let mut options = vec![(String::new(), none.to_owned())];
        options.extend((0..24).map(|h: u8| (h.to_string(), format!("{h}\u{a0}h"))));
        self.select(name, label, stands.map(|h| h.to_string()).unwrap_or_default(), options)
    }

    fn days(&self) -> Vec<Choice> {
        let stands = self.standing.preferences.rhythm.digest_days;
        let on = |n: usize, name: &str| match self.typed {
            Some(fields) => fields.all("jour").any(|w| w == name),
            None => stands.is_every_day() || stands.names().any(|d| d == Days::NAMES[n]),
        };
        Days::NAMES
            .iter()
            .enumerate()
            .map(|(n, name)| Choice { value: (*name).to_owned(), label: french::capital(name), on: on(n, name) })
            .collect()
    }

    fn channels(&self) -> Vec<Select> {
        if self.standing.in_use.len() < 2 {
            return Vec::new();
        }
        let routes = &self.standing.preferences.routes;
        let mut options = vec![(String::new(), "partout".to_owned())];
        options.extend(self.standing.in_use.iter().map(|c| (c.as_str().to_owned(), c.in_french().to_owned())));
        let select = |kind: MessageKind| {
            let stands = routes.channels.get(&kind);
            let mut options = options.clone();
            options.extend(stands.and_then(|c| self.resting(*c, c.in_french())));
            let stands = stands.map(|c| c.as_str().to_owned()).unwrap_or_default();
            self.select(&route(kind), &french::capital(kind.in_french()), stands, options)
        };
        MessageKind::ALL.into_iter().map(select).collect()
    }

    /// A channel that was chosen and has no address in use now: it stays what was chosen.
    fn resting(&self, channel: Channel, label: &str) -> Option<(String, String)> {
        let rests = !self.standing.in_use.contains(&channel);
        rests.then(|| (channel.as_str().to_owned(), format!("{label} (pas en service)")))
    }

    fn order(&self) -> Vec<Select> {
        let in_use = &self.standing.in_use;
        if in_use.len() < 2 {
            return Vec::new();
        }
        let order = &self.standing.preferences.routes.order;
        let mut options = vec![(String::new(), "peu importe".to_owned())];
        options.extend(in_use.iter().map(|c| (c.as_str().to_owned(), c.noun().to_owned())));
        options.extend(order.iter().filter_map(|c| self.resting(*c, c.noun())));
        let place = |n: usize| {
            let stands = order.get(n).map(|c| c.as_str().to_owned()).unwrap_or_default();
            let label = PLACES.get(n).copied().unwrap_or("Puis");
            self.select(&format!("ordre-{n}"), label, stands, options.clone())
        };
        (0..places(self.standing)).map(place).collect()
    }

    fn stand_ins(&self) -> Option<Select> {
        if self.standing.colleagues.is_empty() {
            return None;
        }
        let mut options = vec![(String::new(), "personne".to_owned())];
        options
            .extend(self.standing.colleagues.iter().filter_map(|c| Some((c.id.clone(), self.standing.called(&c.id)?))));
        let stands = self.standing.absence().and_then(|a| a.stand_in.clone()).unwrap_or_default();
        Some(self.select("remplacant", "Qui me remplace", stands, options))
    }
}

/// How many channels the order names at most.
fn places(standing: &Standing) -> usize {
    standing.in_use.len().max(standing.preferences.routes.order.len())
}

fn route(kind: MessageKind) -> String {
    format!("canal-{}", kind.as_str())
}

async fn page(
    site: &Site,
    visitor: &Visitor,
    session: &Session,
    typed: Option<(&Fields, &str)>,
    done: &str,
) -> Result<Response, Trouble> {
    let me = &session.person;
    let standing = preferences::standing(&site.service, me).await?;
    let held = Held { standing: &standing, typed: typed.map(|(fields, _)| fields) };
    let rhythm = &standing.preferences.rhythm;
    let store = &site.service.store;
    let declared = store.is_declared(&me.id).await?;
    let from_file = store.follows_file(&me.id).await?;
    let urgent = typed.map_or(rhythm.urgent_passes, |(fields, _)| fields.one("urgences") == "oui");
    let day = |day: Option<NaiveDate>| day.map(|d| d.to_string()).unwrap_or_default();
    let (leaves, returns) = (day(standing.leaves()), day(standing.returns()));
    let status = if typed.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    Ok(site.page_as(
        status,
        visitor,
        "reglages.html",
        context! {
            done => done,
            fault => typed.map(|(_, fault)| fault.to_owned()),
            from_file => from_file.then_some(subscriptions::FROM_FILE),
            own_hands => declared && !from_file,
            named_as_help => me.role.may(Permission::FollowOperations),
            hour => Serde(held.hours("heure", "Heure des résumés", &format!("{} (l’heure habituelle)", usual(&standing)), rhythm.digest_hour)),
            days => Serde(held.days()),
            quiet_from => Serde(held.hours("silence-de", "Silence, de", "pas de silence", rhythm.quiet.map(|q| q.from))),
            quiet_to => Serde(held.hours("silence-a", "à", "–", rhythm.quiet.map(|q| q.to))),
            urgent => urgent, usual_per_hour => usual_per_hour(&standing),
            per_hour => held.value("limite", rhythm.per_hour.map(|n| n.to_string()).unwrap_or_default()),
            channels => Serde(held.channels()),
            order => Serde(held.order()),
            advice => typed.map_or(!standing.preferences.unadvised, |(fields, _)| fields.one("conseils") == "oui"),
            questions => Serde(asked(site, session).await?),
            leaves => held.value("depart", leaves),
            returns => held.value("retour", returns),
            stand_ins => Serde(held.stand_ins()),
            no_colleague => preferences::NO_COLLEAGUE,
            away => standing.away_in_french(),
        },
    ))
}

/// What waits for an answer and what was learned, as the page shows it.
#[derive(serde::Serialize)]
pub(crate) struct Learned {
    id: String,
    title: String,
    waits: bool,
    choices: Vec<questions::Choice>,
}

async fn asked(site: &Site, session: &Session) -> Result<Vec<Learned>, Trouble> {
    Ok(questions::standing(&site.service, &session.person).await?.into_iter().map(Learned::of).collect())
}

/// What waits for an answer of whoever is signed in.
pub(crate) async fn waiting(site: &Site, session: &Session) -> Result<Vec<Learned>, Trouble> {
    Ok(questions::waiting(&site.service, &session.person).await?.into_iter().map(Learned::of).collect())
}

impl Learned {
    fn of(q: Question) -> Self {
        Self { id: q.id, title: q.title, waits: q.waits, choices: q.choices }
    }
}

/// Messages an hour of whoever chose none.
fn usual_per_hour(standing: &Standing) -> String {
    let mut bare = standing.clone();
    bare.preferences.rhythm.per_hour = None;
    bare.value(Setting::PerHour).split(',').next().unwrap_or_default().trim_end_matches(" au plus").to_owned()
}

/// The hour of whoever chose none.
fn usual(standing: &Standing) -> String {
    let mut bare = standing.clone();
    bare.preferences.rhythm.digest_hour = None;
    bare.value(Setting::DigestHour).split(',').next().unwrap_or_default().to_owned()
}

pub(crate) async fn show(State(site): State<Arc<Site>>, signed: SignedIn, fields: Fields) -> Shown {
    let done = match fields.one("fait") {
        "garde" => {
            "C’est noté, ici comme dans vos chats. Ce qui attend un résumé viendra à l’heure et aux jours choisis."
        }
        "fichier" => "Vos abonnements et vos horaires sont de nouveau ceux qu’a réglés la personne qui gère Vigie.",
        _ => "",
    };
    page(&site, &signed.visitor, &signed.session, None, done).await
}

pub(crate) async fn save(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    let me = &posted.session.person;
    let standing = preferences::standing(&site.service, me).await?;
    let refused = match changes(&posted.fields, &standing) {
        Err(why) => why,
        Ok(changes) => match preferences::apply(&site.service, me, &changes).await? {
            Settled::Done { .. } => return Ok(Redirect::to("/reglages?fait=garde").into_response()),
            Settled::Refused(why) => why,
        },
    };
    page(&site, &posted.visitor, &posted.session, Some((&posted.fields, &refused)), "").await
}

/// Gives subscriptions and rhythm back to the settings file.
pub(crate) async fn follow_file(State(site): State<Arc<Site>>, posted: Posted) -> Shown {
    if !declared::follow_file_again(&site.service, &posted.session.person.id).await? {
        return Err(Trouble::no_page());
    }
    Ok(Redirect::to("/reglages?fait=fichier").into_response())
}

fn hour(fields: &Fields, name: &str) -> Result<Option<u8>, String> {
    match fields.one(name) {
        "" => Ok(None),
        text => text.parse().ok().filter(|h| *h < 24).map(Some).ok_or_else(|| "L’heure va de 0 à 23.".to_owned()),
    }
}

fn channel(text: &str) -> Result<Option<Channel>, String> {
    match text {
        "" => Ok(None),
        word => Channel::parse(word).map(Some).ok_or_else(|| "Ce canal n’existe pas.".to_owned()),
    }
}

/// What the form asks for: only what differs from how it stands, so that a form that was open for long undoes nothing else.
fn changes(fields: &Fields, standing: &Standing) -> Result<Vec<Change>, String> {
    let rhythm = &standing.preferences.rhythm;
    let routes = &standing.preferences.routes;
    let mut out = Vec::new();
    let digest_hour = hour(fields, "heure")?;
    if digest_hour != rhythm.digest_hour {
        out.push(Change::DigestHour(digest_hour));
    }
    let chosen = Days::NAMES.iter().enumerate().filter(|(_, name)| fields.all("jour").any(|w| w == **name));
    let days: Vec<usize> = chosen.map(|(n, _)| n).collect();
    if days.is_empty() {
        return Err(
            "Cochez au moins un jour : pour ne plus rien recevoir pendant un temps, dites une absence.".to_owned()
        );
    }
    if Days::of(days.iter().copied()) != rhythm.digest_days {
        out.push(Change::DigestDays(Days::of(days)));
    }
    let quiet = match (hour(fields, "silence-de")?, hour(fields, "silence-a")?) {
        (Some(from), Some(to)) => Some(QuietHours { from, to }),
        (None, _) => None,
        (Some(_), None) => return Err("Dites jusqu’à quelle heure dure le silence.".to_owned()),
    };
    if quiet != rhythm.quiet {
        out.push(Change::Quiet(quiet));
    }
    let urgent = fields.one("urgences") == "oui";
    if urgent != rhythm.urgent_passes {
        out.push(Change::UrgentPasses(urgent));
    }
    let advised = fields.one("conseils") == "oui";
    if advised == standing.preferences.unadvised {
        out.push(Change::Advice(advised));
    }
    let per_hour = match fields.one("limite") {
        "" => None,
        text => Some(text.parse().map_err(|_| {
            format!("« {text} » messages par heure : écrivez un nombre entier, ou rien ; 0 = sans limite.")
        })?),
    };
    if per_hour != rhythm.per_hour {
        out.push(Change::PerHour(per_hour));
    }
    if standing.in_use.len() > 1 {
        for kind in MessageKind::ALL {
            let to = channel(fields.one(&route(kind)))?;
            if to != routes.channels.get(&kind).copied() {
                out.push(Change::Route(kind, to));
            }
        }
        let mut order: Vec<Channel> = Vec::new();
        for n in 0..places(standing) {
            if let Some(channel) = channel(fields.one(&format!("ordre-{n}")))?.filter(|c| !order.contains(c)) {
                order.push(channel);
            }
        }
        if order != routes.order {
            out.push(Change::Order(order));
        }
    }
    out.extend(absence(fields, standing)?);
    Ok(out)
}

fn absence(fields: &Fields, standing: &Standing) -> Result<Vec<Change>, String> {
    let stand_in = Some(fields.one("remplacant").to_owned()).filter(|id| !id.is_empty());
    let day = |name: &str, fault: &str| match fields.one(name) {
        "" => Ok(None),
        text => text.parse::<NaiveDate>().map(Some).map_err(|_| fault.to_owned()),
    };
    let leaves = day("depart", "Ce jour de départ n’existe pas.")?;
    let returns = day("retour", "Ce jour de retour n’existe pas.")?;
    let stands = standing.absence().and_then(|a| a.stand_in.clone());
    let is_over = fields.one("absence") == "annuler";
    // Without a day of return there is no absence: what stood goes, and something that is said anew lacks its end.
    if is_over || returns.is_none() {
        let anew = leaves.is_some() && leaves != standing.leaves() || stand_in.is_some() && stand_in != stands;
        return match standing.absence() {
            _ if anew && !is_over => Err("Dites aussi le jour de votre retour.".to_owned()),
            Some(_) => Ok(vec![Change::Away(None)]),
            None => Ok(Vec::new()),
        };
    }
    let mut out = Vec::new();
    if (leaves, returns) != (standing.leaves(), standing.returns()) {
        let midnight = |day: NaiveDate| {
            let at = standing.zone().from_local_datetime(&day.and_time(NaiveTime::MIN)).earliest();
            at.map(|at| at.with_timezone(&Utc))
        };
        let until = returns.and_then(midnight);
        out.push(Change::Away(until.map(|until| Period { from: leaves.and_then(midnight), until })));
    }
    if stand_in != stands {
        out.push(Change::StandIn(stand_in));
    }
    Ok(out)
}
