//! The monthly table: columns, their order and names, and filters that an organisation chooses once. The same month gives the same bytes
//! each time it is made. It stands on the page, and comes with a mail on the chosen day.
//!
//! A count of people below five could point at somebody: such tables leave the organisation, so it reads « moins de 5 ».

use std::collections::HashMap;

use chrono::{DateTime, Datelike, Months, NaiveDate, Utc};
use vigie_config::rules::Rules;
use vigie_domain::operation::hours::FEW;
use vigie_domain::operation::{Hours, HoursRow, LotOwed, MAX_LINE, Modality, Operation, OperationQuery};
use vigie_domain::service_area::Area;
use vigie_domain::{Alert, AlertKind, Department, Permission, Provision, ProvisionKind, Subscriber, french};
use vigie_notifier::card::{Why, provision_label_of, short};
use vigie_notifier::message::File;
use vigie_store::{StoreError, derived_id};
use vigie_watcher::zones;

mod layout;

pub use layout::{Column, Layout, Model};

use super::books::Books;
use super::reserving::{self, Listed, Works};
use super::{letter, to_calibrate, unseen};
use crate::after_award::messages::main_of;
use crate::areas;
use crate::clauses::{self, Clause};
use crate::presence::People;
use crate::service::Service;
use crate::spreadsheet;
use crate::visibility;

/// A table of a month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monthly {
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// Hours done in that month.
    pub done: Hours,
}

impl Monthly {
    /// As a file.
    ///
    /// # Errors
    /// Never for a table made here: its rows are as long as its head.
    pub fn file(&self) -> Result<Vec<u8>, csv::Error> {
        spreadsheet::written(&self.head, &self.rows)
    }
}

/// The layout of a structure: what it chose, else the monthly model.
///
/// # Errors
/// The database fails.
pub async fn layout(service: &Service, structure: &str) -> Result<(Layout, u32), StoreError> {
    let settled = service.store.monthly_table::<Layout>(structure).await?;
    Ok(settled.map_or_else(|| (Layout::of(Model::Monthly), 0), |s| (s.table, s.day)))
}

/// The table of a month, for a structure.
///
/// # Errors
/// The database fails.
pub async fn monthly(
    service: &Service,
    structure: &str,
    layout: &Layout,
    month: NaiveDate,
) -> Result<Monthly, StoreError> {
    let query = layout.query();
    let mut done = Hours::NONE;
    let lines = match layout.model {
        Model::Clauses => new_clauses(service, structure, layout, month).await?,
        Model::Planned => planned(service, structure, &query).await?,
        Model::Monthly | Model::Modalities => {
            let mut operations = service.store.operations_of(structure).await?;
            operations.retain(|o| query.finds(o));
            let books = Books::read(service, structure).await?;
            let mut lines = Vec::new();
            let mut counted: HashMap<Modality, Vec<HoursRow>> = HashMap::new();
            for o in &operations {
                let rows = books.hours(&o.id);
                let this: Vec<&HoursRow> = rows.iter().filter(|r| r.month == month).collect();
                done = done + this.iter().map(|r| r.done).sum();
                if layout.model == Model::Monthly {
                    lines.extend(of_operation(o, rows, books.lots(&o.id), month));
                    continue;
                }
                for row in this {
                    counted.entry(row.modality).or_default().push(row.clone());
                }
            }
            if layout.model == Model::Monthly { lines } else { of_modalities(&counted) }
        }
    };
    Ok(Monthly {
        head: layout.columns.iter().map(|(_, name)| name.clone()).collect(),
        rows: lines.iter().map(|l| layout.columns.iter().map(|(c, _)| l.cell(*c, month)).collect()).collect(),
        done,
    })
}

/// Purchases that are planned: the operations whose call is not out, then the purchases of the territory that nobody follows yet.
async fn planned(service: &Service, structure: &str, query: &OperationQuery) -> Result<Vec<Line>, StoreError> {
    let now = service.clock.now();
    let books = Books::read(service, structure).await?;
    let listed = Listed::read(service).await?;
    let mut lines = Vec::new();
    let early = |o: &Operation| o.state <= vigie_domain::OperationState::Calibrated && query.finds(o);
    for o in service.store.operations_of(structure).await?.into_iter().filter(early) {
        let sheet = books.sheet(&o.id);
        let works = reserving::works(service, structure, &o).await?;
        lines.push(Line {
            calibrated: sheet.map(|s| s.hours()),
            opinion: sheet.map(|s| s.opinion.clone()).unwrap_or_default(),
            ..Line::of_works(&listed, &works, &reserving::wanted(sheet, &works), o)
        });
    }
    let area = unseen::area(service, structure).await?;
    let Some(found) = areas::query(&area) else { return Ok(lines) };
    let mut rows = to_calibrate::of(service, structure, (&area, found), to_calibrate::MOST_IN_TABLE, now).await?;
    // The first published first: what comes later stands below.
    rows.sort_by(|a, b| (a.at, &a.procedure).cmp(&(b.at, &b.procedure)));
    for row in rows {
        let notices = visibility::notices_of(service, None, &row.procedure).await?;
        let (Some(main), Some(works)) =
            (main_of(&notices).or(notices.last()), reserving::works_of(service, &row.procedure).await?)
        else {
            continue;
        };
        let value = main.notice.estimated_value.filter(|v| v.is_finite() && (1.0..1e12).contains(v));
        let o = Operation {
            title: short(&main.assessment.title, MAX_LINE - 1),
            buyer: row.buyer.clone(),
            siret: main.notice.buyer.siret.clone(),
            departments: row.departments.clone(),
            amount: value.map(|v| v.round() as i64),
            // The day on which the buyer means to publish.
            next_on: main.notice.published.filter(|day| *day > row.at.date_naive()),
            ..Operation::default()
        };
        if query.finds(&o) {
            lines.push(Line::of_works(&listed, &works, &works.wanted(), o));
        }
    }
    Ok(lines)
}

/// Provisions published in a month on the territory, in the order of their publication.
async fn new_clauses(
    service: &Service,
    structure: &str,
    layout: &Layout,
    month: NaiveDate,
) -> Result<Vec<Line>, StoreError> {
    let area = match layout.departments.as_slice() {
        [] => unseen::area(service, structure).await?,
        some => Area { departments: some.to_vec(), ..Area::default() },
    };
    if area.is_empty() {
        return Ok(Vec::new());
    }
    let buyer = OperationQuery { buyer: layout.buyer.clone(), ..OperationQuery::default() };
    let mut found = clauses::of_month(service, &area, month).await?;
    found.retain(|c| {
        let (buyer_name, siret) = (c.found.buyer.clone(), Some(c.found.siren.clone()).filter(|s| !s.is_empty()));
        c.provision.kind != ProvisionKind::SocialConditionNotSeen
            && buyer.finds(&Operation { buyer: buyer_name, siret, ..Operation::default() })
    });
    // Provisions of one procedure stay in their order.
    found.sort_by(|a, b| (a.found.at, &a.found.procedure).cmp(&(b.found.at, &b.found.procedure)));
    let home = service.home_url();
    let link = |c: &Clause| {
        let page = || home.as_ref().map(|home| format!("{home}procedure/{}", c.found.procedure));
        c.main.notice.url.clone().or_else(page).unwrap_or_default()
    };
    Ok(found.into_iter().map(|c| Line { link: link(&c), clause: Some(c), ..Line::default() }).collect())
}

/// What a row of any table may say.
#[derive(Debug, Default)]
struct Line {
    operation: Option<Operation>,
    row: Option<HoursRow>,
    owed: Option<Hours>,
    /// Once a company and lot.
    done_in_all: Option<Hours>,
    /// In percent.
    share: Option<f64>,
    calibrated: Option<Hours>,
    opinion: String,
    trades: String,
    in_reach: String,
    clause: Option<Clause>,
    link: String,
}

impl Line {
    /// A purchase that is planned, with who could take part in it.
    fn of_works(listed: &Listed, works: &Works, wanted: &[reserving::Wanted], o: Operation) -> Self {
        let mut trades: Vec<&str> = Vec::new();
        for (_, trade) in wanted {
            if !trade.is_empty() && !trades.contains(&trade.as_str()) {
                trades.push(trade);
            }
        }
        let (trades, in_reach) = (trades.join(" ; "), listed.in_french(works, wanted));
        Self { operation: Some(o), trades, in_reach, ..Self::default() }
    }

    fn cell(&self, column: Column, month: NaiveDate) -> String {
        let o = self.operation.as_ref();
        let row = self.row.as_ref();
        let of = |read: fn(&Operation) -> String| o.map(read).unwrap_or_default();
        let in_row = |read: fn(&HoursRow) -> String| row.map(read).unwrap_or_default();
        let clause = |read: fn(&Clause) -> String| self.clause.as_ref().map(read).unwrap_or_default();
        match column {
            Column::Month => month.format("%Y-%m").to_string(),
            Column::Territory => of(|o| match o.territory.as_str() {
                "" => departments(&o.departments),
                told => told.to_owned(),
            }),
            Column::Buyer if self.clause.is_some() => clause(|c| c.found.buyer.clone()),
            Column::Buyer => of(|o| o.buyer.clone()),
            Column::Operation => of(|o| o.title.clone()),
            Column::Reference => of(|o| o.reference.clone()),
            Column::Programme => of(|o| o.programme.in_french().to_owned()),
            Column::Lot => in_row(|r| r.lot.clone()),
            Column::Company => in_row(|r| r.company.clone()),
            Column::Siret => in_row(|r| r.siret.clone().unwrap_or_default()),
            Column::Facilitator => of(|o| o.in_charge.clone()),
            Column::Owed => self.owed.map(Hours::in_table).unwrap_or_default(),
            Column::PlannedInMonth => in_row(|r| r.planned.in_table()),
            Column::DoneInMonth => in_row(|r| r.done.in_table()),
            Column::DoneInAll => self.done_in_all.map(Hours::in_table).unwrap_or_default(),
            Column::Share => self.share.map(|s| format!("{s:.1}").replace('.', ",")).unwrap_or_default(),
            Column::Modality => in_row(|r| r.modality.in_french().to_owned()),
            Column::Remark => in_row(|r| r.remark.clone()),
            Column::People => row.map(|r| people(r.people.all)).unwrap_or_default(),
            Column::Quarters => row.map(|r| people(r.people.quarters)).unwrap_or_default(),
            Column::Women => row.map(|r| people(r.people.women)).unwrap_or_default(),
            Column::Disabled => row.map(|r| people(r.people.disabled)).unwrap_or_default(),
            Column::NextDate => of(|o| o.next_on.map(|d| d.to_string()).unwrap_or_default()),
            Column::Amount => of(|o| o.amount.map(|a| a.to_string()).unwrap_or_default()),
            Column::Calibrated => self.calibrated.map(Hours::in_table).unwrap_or_default(),
            Column::Opinion => self.opinion.clone(),
            Column::State => of(|o| o.state.in_french().to_owned()),
            Column::Trades => self.trades.clone(),
            Column::InReach => self.in_reach.clone(),
            Column::PublishedOn => clause(|c| zones::paris_day(c.found.at).to_string()),
            Column::Source => clause(|c| format!("{} {}", c.main.notice.source, c.main.notice.record_id)),
            Column::Object => clause(|c| c.found.title.clone()),
            Column::Lots => clause(|c| c.provision.lots.join(", ")),
            Column::Provision => {
                clause(|c| provision_label_of(c.provision.kind, c.main.notice.kind.is_announcement()).to_owned())
            }
            Column::Asked => clause(|c| asked(&c.provision)),
            Column::Closes => clause(|c| c.found.closes.map(|at| zones::paris_day(at).to_string()).unwrap_or_default()),
            Column::Link => self.link.clone(),
        }
    }
}

/// Départements as a place: « Pas-de-Calais (62) ».
fn departments(of: &[Department]) -> String {
    let rules = Rules::embedded();
    of.iter().map(|d| rules.department_label(d.as_str())).collect::<Vec<_>>().join(", ")
}

/// What a provision asks for: « 600 h », « 5 % ».
fn asked(p: &Provision) -> String {
    let hours = p.hours.and_then(Hours::of_clause).map(|h| format!("{} h", h.in_table()));
    let share = || p.percent.map(|p| format!("{} %", p.to_string().replace('.', ",")));
    hours.or_else(share).unwrap_or_default()
}

/// A count that points at nobody.
fn people(count: Option<u32>) -> String {
    match count {
        None => String::new(),
        Some(n) if (1..FEW).contains(&n) => format!("moins de {FEW}"),
        Some(n) => n.to_string(),
    }
}

/// The rows of an operation in a month: every company that has hours in it, and every holder that owes some and has none.
fn of_operation(o: &Operation, rows: &[HoursRow], lots: &[LotOwed], month: NaiveDate) -> Vec<Line> {
    let of_lot = |lot: &LotOwed, r: &HoursRow| {
        let like = HoursRow { siret: lot.siret.clone(), ..HoursRow::new(month, &lot.lot, &lot.company, r.modality) };
        r.lot == lot.lot && (lot.company.is_empty() || r.key().2 == like.key().2)
    };
    let line = |row: HoursRow, lot: Option<&LotOwed>, first: bool| {
        let by_now = |r: &&HoursRow| r.month <= month && r.lot == row.lot && r.key().2 == row.key().2;
        let done_in_all: Hours = rows.iter().filter(by_now).map(|r| r.done).sum();
        let owed = lot.map(|l| l.owed).filter(|h| !h.is_none());
        Line {
            operation: Some(o.clone()),
            owed,
            done_in_all: first.then_some(done_in_all),
            share: owed.and_then(|owed| done_in_all.percent_of(owed)),
            row: Some(row),
            ..Line::default()
        }
    };
    let this: Vec<&HoursRow> = rows.iter().filter(|r| r.month == month).collect();
    // What is owed, and done in all, stands once a company and lot, in its first modality: a sum over the column is a sum.
    let first = |n: usize, r: &HoursRow| !this[..n].iter().any(|b| b.lot == r.lot && b.key().2 == r.key().2);
    let of_row = |(n, r): (usize, &&HoursRow)| {
        let first = first(n, r);
        line((*r).clone(), lots.iter().find(|l| first && of_lot(l, r)), first)
    };
    let mut out: Vec<Line> = this.iter().enumerate().map(of_row).collect();
    for lot in lots.iter().filter(|l| !l.owed.is_none() && !this.iter().any(|r| of_lot(l, r))) {
        let over = lot.ends.is_some_and(|end| end < month);
        let ahead =
            lot.starts.is_some_and(|start| month.checked_add_months(Months::new(1)).is_some_and(|m| start >= m));
        if !over && !ahead {
            let empty =
                HoursRow { siret: lot.siret.clone(), ..HoursRow::new(month, &lot.lot, &lot.company, Modality::Other) };
            out.push(line(empty, Some(lot), true));
        }
    }
    out
}

fn of_modalities(counted: &HashMap<Modality, Vec<HoursRow>>) -> Vec<Line> {
    let all: Hours = counted.values().flatten().map(|r| r.done).sum();
    Modality::ALL
        .into_iter()
        .filter_map(|modality| {
            let rows = counted.get(&modality)?;
            let done: Hours = rows.iter().map(|r| r.done).sum();
            let sum = |of: fn(&HoursRow) -> Option<u32>| {
                let said: Vec<u32> = rows.iter().filter_map(of).collect();
                (!said.is_empty()).then(|| said.iter().sum())
            };
            let mut row = HoursRow { done, ..HoursRow::new(rows[0].month, "", "", modality) };
            row.planned = rows.iter().map(|r| r.planned).sum();
            row.people.all = sum(|r| r.people.all);
            row.people.quarters = sum(|r| r.people.quarters);
            row.people.women = sum(|r| r.people.women);
            row.people.disabled = sum(|r| r.people.disabled);
            Some(Line { row: Some(row), done_in_all: Some(done), share: done.percent_of(all), ..Line::default() })
        })
        .collect()
}

/// Most bytes of a table that comes with its mail: a larger one is on the page.
const MAX_ATTACHED: usize = 2 * 1024 * 1024;

/// The table that a word comes with, as the page gives it: for whoever may read it. `None` where the word comes with none.
///
/// # Errors
/// The database fails.
pub async fn attached(service: &Service, person: &str, reasons: &str) -> Result<Option<File>, StoreError> {
    let why: Why = serde_json::from_str(reasons).unwrap_or_default();
    let month = why.table.as_deref().and_then(vigie_domain::operation::hours::month_written);
    let (Some(month), Some(person)) = (month, service.store.subscriber(person).await?) else { return Ok(None) };
    if !person.role.may(Permission::FollowOperations) {
        return Ok(None);
    }
    let (layout, _) = layout(service, person.structure()).await?;
    let content = monthly(service, person.structure(), &layout, month).await?.file().unwrap_or_else(|e| {
        tracing::error!("monthly table: {e}");
        Vec::new()
    });
    let fits = (1..=MAX_ATTACHED).contains(&content.len());
    Ok(fits.then(|| File { name: format!("vigie-mensuel-{}.csv", month.format("%Y-%m")), content }))
}

/// Says to every organisation whose day it is that the table of the month before is there, to each colleague at their hour, to who is away
/// once they are back in the same month; gives the number of words.
///
/// # Errors
/// The database fails; what was told stands.
pub async fn run(service: &Service, now: DateTime<Utc>) -> Result<usize, StoreError> {
    let today = zones::paris_day(now);
    let Some(month) = today.with_day(1).and_then(|d| d.checked_sub_months(Months::new(1))) else { return Ok(0) };
    let word = month.format("%Y-%m").to_string();
    let people = People::read(service).await?;
    let (mut words, mut done) = (0, Vec::new());
    for structure in service.store.monthly_tables_due(today.day(), &word).await? {
        let mut all = people.of(&structure);
        all.retain(|p| p.role.may(Permission::FollowOperations));
        let mut due: Vec<(&Subscriber, String)> = Vec::new();
        let mut waits = false;
        for person in all {
            let about = derived_id(&["monthly table", &structure, &word, &person.id]);
            if service.store.has_share(&about, &person.id).await? {
                continue;
            }
            if people.is_here(person) && people.is_hour_of(person, now) {
                due.push((person, about));
            } else {
                waits = true;
            }
        }
        if !waits {
            done.push(structure.clone());
        }
        if due.is_empty() {
            continue;
        }
        let (layout, _) = layout(service, &structure).await?;
        let table = monthly(service, &structure, &layout, month).await?;
        let mut lines = vec![
            format!("Votre tableau {} est prêt", french::of(&french::month(month))),
            rows_in_french(&layout, &table, month),
        ];
        lines.extend(
            service.home_url().map(|home| format!("À voir, et à télécharger : {home}operations/tableau?mois={word}")),
        );
        for (person, about) in due {
            let alert = Alert::word(AlertKind::Account, about);
            let why = Why { table: Some(word.clone()), ..Why::default() };
            let reasons = serde_json::to_string(&why).unwrap_or_default();
            let share = service.store.share_at_once(&person.id, &alert, &reasons, None).await?;
            let mut tx = service.store.begin_alert(now).await?;
            tx.put_shares(&alert, Some(&lines.join("\n")), &[share]).await?;
            tx.commit().await?;
            service.deliveries_queued.notify_one();
            words += 1;
        }
    }
    for structure in done {
        service.store.note_table_sent(&structure, &word).await?;
    }
    Ok(words)
}

/// What is in a table, in a sentence.
fn rows_in_french(layout: &Layout, table: &Monthly, month: NaiveDate) -> String {
    let rows = french::plural(table.rows.len(), "ligne");
    if !layout.model.counts_hours() {
        return format!("{}, {rows}.", french::capital(layout.model.in_french()));
    }
    match table.done {
        Hours::NONE => format!("{rows}. Aucune heure n’est encore rendue pour {}.", french::month(month)),
        done => format!("{rows}, {} dans le mois.", letter::done_in_french(done)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_columns_that_are_read_back() {
        for model in Model::ALL {
            let layout = Layout::of(model);
            let text = serde_json::to_string(&layout).unwrap();
            assert_eq!(serde_json::from_str::<Layout>(&text).unwrap(), layout);
            for (n, (column, name)) in layout.columns.iter().enumerate() {
                assert!(!name.is_empty());
                let others = layout.columns[..n].iter().map(|(c, _)| c.as_str());
                assert!(!others.into_iter().any(|word| word == column.as_str()), "a form tells columns by their words");
            }
        }
    }

    #[test]
    fn a_month_has_those_who_did_hours_and_those_who_owe_some_and_did_none() {
        let month = |n| NaiveDate::from_ymd_opt(2027, n, 1).unwrap();
        let done = |n, hours| HoursRow {
            done: Hours::whole(hours),
            ..HoursRow::new(month(n), "1", "Martin SARL", Modality::Direct)
        };
        let lot = |lot: &str, company: &str| LotOwed {
            lot: lot.into(),
            company: company.into(),
            owed: Hours::whole(400),
            starts: Some(month(2)),
            ..LotOwed::default()
        };
        let (rows, lots) = ([done(2, 100), done(3, 50)], [lot("1", "Martin sarl"), lot("2", "Dupont")]);
        let o = Operation::default();
        let march = of_operation(&o, &rows, &lots, month(3));
        assert_eq!(march.len(), 2);
        assert_eq!(march[0].cell(Column::DoneInAll, month(3)), "150");
        assert_eq!(march[0].cell(Column::Share, month(3)), "37,5");
        let of = |territory: &str| {
            let departments = ["62"].into_iter().filter_map(Department::parse).collect();
            let o = Operation { departments, territory: territory.into(), ..Operation::default() };
            of_operation(&o, &rows, &lots, month(3))[0].cell(Column::Territory, month(3))
        };
        assert_eq!([of(""), of("Quartier Est")], ["Pas-de-Calais (62)".to_owned(), "Quartier Est".to_owned()]);
        assert_eq!(
            (march[1].cell(Column::Company, month(3)), march[1].cell(Column::DoneInMonth, month(3))),
            ("Dupont".into(), "0".into())
        );
        let february = of_operation(&o, &rows, &lots, month(2));
        assert_eq!(february[0].cell(Column::DoneInAll, month(2)), "100", "what came later is not in it");
        assert!(of_operation(&o, &rows, &lots, month(1)).is_empty());
        // By two ways in one month: what is owed and what is done in all are said once.
        let lent = HoursRow { modality: Modality::Loan, ..done(3, 20) };
        let two = of_operation(&o, &[done(3, 50), lent], &lots[..1], month(3));
        let said = |c: Column| two.iter().map(|l| l.cell(c, month(3))).collect::<Vec<_>>();
        assert_eq!(said(Column::Owed), ["400", ""]);
        assert_eq!(said(Column::DoneInAll), ["70", ""]);
    }

    #[test]
    fn few_people_are_not_counted_outside() {
        assert_eq!([None, Some(0), Some(4), Some(5)].map(people), ["", "0", "moins de 5", "5"]);
    }
}
