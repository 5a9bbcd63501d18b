//! The clauses of a territory, month by month: as a page with its totals, and as a table with fixed columns.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use chrono::{Months, NaiveDate};
use minijinja::context;
use minijinja::value::Serde;
use vigie_domain::service_area::Area;
use vigie_domain::{Department, Permission, ProvisionKind, Strength, Subscriber, french};
use vigie_notifier::card::{self, beneficiary_label, provision_label, provision_label_of, short};
use vigie_service::areas;
use vigie_service::clauses::{self, Clause};

use super::frame::{Fields, Shown, SignedIn, Site, Trouble};
use super::period;
use super::tables::{csv, day, places};

/// Rows of the page; the table has them all.
const MAX_ROWS: usize = 150;

/// Columns of the facilitators' table: fixed, since people keep tables that they join month after month.
pub const COLUMNS: [&str; 20] = [
    "mois",
    "date_publication",
    "source",
    "numero_avis",
    "acheteur",
    "siret_acheteur",
    "objet",
    "departements",
    "lots",
    "disposition",
    "beneficiaires",
    "heures",
    "pourcentage",
    "ponderation",
    "obligatoire",
    "date_limite",
    "etat",
    "titulaires",
    "extrait",
    "lien",
];

/// The row of a clause in the table.
fn cells(c: &Clause, first: NaiveDate) -> Vec<String> {
    let (f, p) = (&c.found, &c.provision);
    let number = |n: Option<f64>| n.map(|n| n.to_string().replace('.', ",")).unwrap_or_default();
    vec![
        first.format("%Y-%m").to_string(),
        day(f.at),
        c.main.notice.source.clone(),
        c.main.notice.record_id.clone(),
        f.buyer.clone(),
        c.main.notice.buyer.siret.clone().unwrap_or_default(),
        f.title.clone(),
        places(&f.departments),
        p.lots.join(", "),
        provision_label(p.kind).to_owned(),
        p.beneficiary.map(beneficiary_label).unwrap_or_default().to_owned(),
        number(p.hours),
        number(p.percent),
        number(p.weight),
        p.mandatory.map(|m| if m { "oui" } else { "non" }).unwrap_or_default().to_owned(),
        f.closes.map(day).unwrap_or_default(),
        c.state.to_owned(),
        french::list(&c.winners),
        p.evidence.quote.as_deref().map(|q| short(q, 400)).unwrap_or_default(),
        c.main.notice.url.clone().unwrap_or_default(),
    ]
}

/// The territory of a person: what the address asks for, else the area of their organisation, else what their profile says, else what they
/// subscribed to.
pub(crate) async fn territory(site: &Site, person: &Subscriber, fields: &Fields) -> Result<Area, Trouble> {
    let mut out: Vec<Department> = fields.all("departement").filter_map(Department::parse).collect();
    if out.is_empty() && person.role.may(Permission::FollowOperations) {
        let own = areas::of(&site.service, person.structure()).await?.area;
        if !own.is_empty() {
            return Ok(own);
        }
    }
    if out.is_empty() {
        out.clone_from(&person.profile.departments);
    }
    if out.is_empty() {
        for s in site.service.store.subscriptions_of(&person.id).await? {
            out.extend(s.filter.departments);
        }
    }
    out.sort();
    out.dedup();
    Ok(Area { departments: out, ..Area::default() })
}

/// Every provision that was published in a month on a person's territory.
async fn of_month(site: &Site, person: &Subscriber, first: NaiveDate, fields: &Fields) -> Result<Vec<Clause>, Trouble> {
    let area = territory(site, person, fields).await?;
    Ok(clauses::of_month(&site.service, &area, first).await?)
}

#[derive(serde::Serialize)]
struct Row {
    procedure: String,
    title: String,
    buyer: String,
    label: &'static str,
    strength: u8,
    text: String,
    state: &'static str,
    winners: String,
    published: String,
}

/// What a month adds up to.
#[derive(Default, serde::Serialize)]
struct Totals {
    procedures: usize,
    reserved: usize,
    clauses: usize,
    hours: String,
    unseen: usize,
}

fn totals(clauses: &[Clause]) -> Totals {
    let procedures = |wanted: &dyn Fn(ProvisionKind) -> bool| {
        let of = clauses.iter().filter(|c| wanted(c.provision.kind)).map(|c| c.found.procedure.as_str());
        of.collect::<BTreeSet<_>>().len()
    };
    let hours: f64 = clauses.iter().filter_map(|c| c.provision.hours).sum();
    Totals {
        procedures: procedures(&|k| k != ProvisionKind::SocialConditionNotSeen),
        reserved: procedures(&|k| k == ProvisionKind::Reserved),
        clauses: procedures(&|k| matches!(k, ProvisionKind::ExecutionClause | ProvisionKind::InsertionService)),
        hours: french::number(hours),
        unseen: procedures(&|k| k == ProvisionKind::SocialConditionNotSeen),
    }
}

/// The facilitators' table: a row a provision, of what was published in a month on their territory.
pub(crate) async fn table(State(site): State<Arc<Site>>, signed: SignedIn, fields: Fields) -> Shown {
    signed.session.may(Permission::ReadClauseTable)?;
    let now = site.service.clock.now();
    let first = period::named(fields.one("mois"), now).ok_or_else(|| Trouble::bad("Mois illisible."))?;
    let found = of_month(&site, &signed.session.person, first, &fields).await?;
    let rows: Vec<Vec<String>> = found.iter().map(|c| cells(c, first)).collect();
    csv(&format!("clauses-{}", first.format("%Y-%m")), &COLUMNS, &rows)
}

pub(crate) async fn show(State(site): State<Arc<Site>>, signed: SignedIn, fields: Fields) -> Shown {
    signed.session.may(Permission::ReadClauseTable)?;
    let now = site.service.clock.now();
    let this = period::named("", now).ok_or_else(Trouble::no_page)?;
    let first = period::named(fields.one("mois"), now).unwrap_or(this);
    let found = of_month(&site, &signed.session.person, first, &fields).await?;
    let shown = found.iter().filter(|c| c.provision.kind != ProvisionKind::SocialConditionNotSeen);
    let rows: Vec<Row> = shown
        .take(MAX_ROWS)
        .map(|c| Row {
            procedure: c.found.procedure.clone(),
            title: short(&c.found.title, 120),
            buyer: short(&c.found.buyer, 80),
            label: provision_label_of(c.provision.kind, c.main.notice.kind.is_announcement()),
            strength: Strength::of_provisions([c.provision.kind], false) as u8,
            text: short(&card::provision(&c.provision, c.main.assessment.lots.len()).text, 160),
            state: c.state,
            winners: short(&french::list(&c.winners), 120),
            published: french::date(c.found.at.with_timezone(&chrono_tz::Europe::Paris).date_naive()),
        })
        .collect();
    let months: Vec<(String, String, bool)> = (0..12)
        .filter_map(|n| this.checked_sub_months(Months::new(n)))
        .map(|m| (period::word(m), french::month(m), m == first))
        .collect();
    let territory = territory(&site, &signed.session.person, &fields).await?;
    Ok(site.page(
        &signed.visitor,
        "clauses.html",
        context! {
            month => french::month(first),
            word => period::word(first),
            months => Serde(months),
            territory => super::operations::area::in_french(&territory),
            totals => Serde(totals(&found)),
            more => found.len().saturating_sub(rows.len()),
            rows => Serde(rows),
        },
    ))
}
