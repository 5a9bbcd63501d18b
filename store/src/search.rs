//! Finding procedures: one short row each, written in the transaction that ingests, read page by page.
//!
//! Lists within a row stand between spaces (`" 59 62 "`), so that one LIKE finds a member. A page is found by the place of the
//! last row of the page before, never by counting from the start; counts stop at a bound.

use chrono::{DateTime, Utc};
use strum::{EnumString, IntoStaticStr};
use vigie_domain::procedure::{Snapshot, Status};
use vigie_domain::state::CLOSES_SOON;
use vigie_domain::{BuyerType, Department, Phase, ProcedureState, ProvisionKind, Sector, commune};

use crate::Store;
use crate::columns::{clean, millis, to_json, words};
use crate::error::StoreError;
use crate::ingest::IngestTx;
use crate::sql::{self, Cell, Columns, FromRow, Row, SqlError, Transaction};

words!(BuyerType: BuyerType::parse);

/// A procedure as a search finds it.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchRow {
    pub procedure: String,
    pub title: String,
    pub buyer: String,
    /// Nine digits; empty where no notice gives them.
    pub siren: String,
    /// What kind of buyer.
    pub buyer_type: BuyerType,
    /// The strongest thing it offers, in words.
    pub verdict: String,
    pub sectors: Vec<Sector>,
    /// Where.
    pub departments: Vec<Department>,
    pub provisions: Vec<ProvisionKind>,
    /// What was published of how it stands, [in short](Snapshot::in_short): how it stands now is for the reader to see.
    pub published: Snapshot,
    /// What it offers, 0–100.
    pub score: u8,
    /// When it closes, where that is known.
    pub closes: Option<DateTime<Utc>>,
    /// Until when it counts as open.
    pub until: DateTime<Utc>,
    /// When it was published.
    pub at: DateTime<Utc>,
    /// Title, buyer and lots, folded: where words are looked for. Empty in what is found.
    pub words: String,
    /// No search finds it: nothing of it is public.
    pub restricted: bool,
}

impl SearchRow {
    /// How it stands now.
    #[must_use]
    pub fn state_at(&self, now: DateTime<Utc>) -> ProcedureState {
        ProcedureState::of(&self.published, "", now)
    }

    /// The word by which conditions find it: its phase, but for what the moment decides.
    fn word(&self) -> Phase {
        match self.published.status {
            Status::Cancelled => Phase::Cancelled,
            Status::NoAward => Phase::NoAward,
            Status::Awarded => Phase::Awarded,
            Status::Intended => Phase::Intended,
            Status::Open if self.published.planned => Phase::Planned,
            Status::Open => Phase::Open,
        }
    }
}

/// In which order what is found is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum Sort {
    /// Latest published first.
    #[default]
    Newest,
    /// What closes first, first.
    Closing,
}

impl Sort {
    /// Every order, as offered.
    pub const ALL: [Self; 2] = [Self::Newest, Self::Closing];

    /// The word used in addresses of pages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// Reads a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        word.parse().ok()
    }

    /// The moment of a row by which it takes its place.
    fn key(self, row: &SearchRow) -> DateTime<Utc> {
        match self {
            Self::Newest => row.at,
            Self::Closing => row.until,
        }
    }
}

/// What is looked for: OR within a list, AND across, an empty list lets all through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query {
    /// Words, folded; every one must be there.
    pub words: Vec<String>,
    /// Kinds of buyer.
    pub buyer_types: Vec<BuyerType>,
    pub provisions: Vec<ProvisionKind>,
    pub sectors: Vec<Sector>,
    /// Where.
    pub departments: Vec<Department>,
    /// SIRENs of buyers; one condition with the départements: either is enough.
    pub buyers: Vec<String>,
    /// Only buyers with a commitment to socially responsible purchases (SPASER).
    pub committed: bool,
    /// How it stands; none = anyhow. [`Phase::Open`] finds what closes soon too.
    pub state: Option<Phase>,
    /// Least of what it offers, 0–100.
    pub min_score: u8,
    /// Published from the first moment to before the second.
    pub between: Option<(DateTime<Utc>, DateTime<Utc>)>,
    pub sort: Sort,
}

/// One page of what was found.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// Its rows, in the order asked for.
    pub rows: Vec<SearchRow>,
    /// The place at which the next page begins, if there is one.
    pub next: Option<(DateTime<Utc>, String)>,
}

fn spaced<'a>(items: impl Iterator<Item = &'a str>) -> String {
    let joined = items.collect::<Vec<_>>().join(" ");
    if joined.is_empty() { String::new() } else { format!(" {joined} ") }
}

impl FromRow for SearchRow {
    fn from_row(row: &Row<'_>) -> Result<Self, SqlError> {
        const PROVISIONS: [ProvisionKind; 7] = [
            ProvisionKind::Reserved,
            ProvisionKind::ExecutionClause,
            ProvisionKind::AwardCriterion,
            ProvisionKind::InsertionService,
            ProvisionKind::SocialConditionNotSeen,
            ProvisionKind::Other,
            ProvisionKind::ToVerify,
        ];
        let mut columns = Columns::of(row);
        let (procedure, title, buyer) = (columns.next()?, columns.next()?, columns.next()?);
        let siren = columns.next::<Option<String>>()?.unwrap_or_default();
        let (buyer_type, verdict) = (columns.next()?, columns.next()?);
        let (sectors, departments): (String, String) = (columns.next()?, columns.next()?);
        let provisions: String = columns.next()?;
        let provisions: Vec<&str> = provisions.split_whitespace().collect();
        Ok(Self {
            procedure,
            title,
            buyer,
            siren,
            buyer_type,
            verdict,
            sectors: sectors.split_whitespace().map(str::to_owned).collect(),
            departments: departments.split_whitespace().filter_map(Department::parse).collect(),
            provisions: PROVISIONS.into_iter().filter(|p| provisions.contains(&p.as_str())).collect(),
            published: columns
                .next::<String>()
                .and_then(|s| serde_json::from_str(&s).map_err(|e| row.unreadable(9, e)))?,
            score: columns.next::<i64>()?.try_into().map_err(|e| row.unreadable(10, e))?,
            closes: columns.next()?,
            until: columns.next()?,
            at: columns.next()?,
            words: String::new(),
            restricted: columns.next::<i64>()? != 0,
        })
    }
}

const COLUMNS: &str = "procedure_id, title, buyer, siren, buyer_type, verdict, sectors, departments, provisions, stands, score, closes, until, at, restricted";

/// Text in which LIKE finds itself alone.
fn escaped(text: &str) -> String {
    clean(text).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// `WHERE` …, with what is to be bound. What is restricted is found by nobody.
fn conditions(query: &Query, now: DateTime<Utc>) -> (String, Vec<Cell>) {
    let mut all = vec!["restricted = 0".to_owned()];
    let mut bound: Vec<Cell> = Vec::new();
    let mut any = |tests: Vec<(&str, &str, Cell)>| {
        let mut parts = Vec::new();
        for (column, operator, value) in tests {
            bound.push(value);
            let escape = if operator == "LIKE" { " ESCAPE '\\'" } else { "" };
            parts.push(format!("{column} {operator} ${}{escape}", bound.len()));
        }
        if !parts.is_empty() {
            all.push(format!("({})", parts.join(" OR ")));
        }
    };
    let member = |word: &str| Cell::from(format!("% {} %", escaped(word)));
    for word in &query.words {
        any(vec![("words", "LIKE", Cell::from(format!("%{}%", escaped(word))))]);
    }
    any(query.buyer_types.iter().map(|t| ("buyer_type", "=", Cell::from(t.as_str().to_owned()))).collect());
    any(query.provisions.iter().map(|p| ("provisions", "LIKE", member(p.as_str()))).collect());
    any(query.sectors.iter().map(|s| ("sectors", "LIKE", member(s))).collect());
    let places = query.departments.iter().map(|d| ("departments", "LIKE", member(d.as_str())));
    any(places.chain(query.buyers.iter().map(|siren| ("siren", "=", Cell::from(clean(siren))))).collect());
    let committed = query.committed;
    if query.min_score > 0 {
        any(vec![("score", ">=", Cell::from(i64::from(query.min_score)))]);
    }
    if let Some((from, to)) = query.between {
        any(vec![("at", ">=", Cell::from(millis(from)))]);
        any(vec![("at", "<", Cell::from(millis(to)))]);
    }
    let (mut word, mut until) = (Vec::new(), None);
    match query.state {
        None => {}
        Some(Phase::ClosingSoon) => {
            (word, until) = (vec![Phase::Open], Some(">"));
            any(vec![("until", "<", Cell::from(millis(now + CLOSES_SOON)))]);
        }
        Some(phase @ (Phase::Open | Phase::Planned)) => (word, until) = (vec![phase], Some(">")),
        Some(Phase::Closed) => (word, until) = (vec![Phase::Open, Phase::Planned], Some("<=")),
        Some(phase) => word = vec![phase],
    }
    any(word.iter().map(|phase| ("status", "=", Cell::from(phase.as_str().to_owned()))).collect());
    any(until.into_iter().map(|operator| ("until", operator, Cell::from(millis(now)))).collect());
    if committed {
        all.push("siren IN (SELECT key FROM directory WHERE kind = 'committed_buyer')".to_owned());
    }
    (all.join(" AND "), bound)
}

impl Store {
    /// A page of what is found, in the order asked for, after the place at which the page before ended.
    pub async fn search(
        &self,
        query: &Query,
        after: Option<(DateTime<Utc>, &str)>,
        limit: usize,
        now: DateTime<Utc>,
    ) -> Result<Page, StoreError> {
        let (mut conditions, mut bound) = conditions(query, now);
        let (key, beyond, order) = match query.sort {
            Sort::Newest => ("at", '<', "DESC"),
            Sort::Closing => ("until", '>', "ASC"),
        };
        if let Some((at, procedure)) = after {
            bound.push(Cell::from(millis(at)));
            let n = bound.len();
            bound.push(Cell::from(clean(procedure)));
            conditions.push_str(&format!(
                " AND {key} {beyond}= ${n} AND ({key} {beyond} ${n} OR procedure_id {beyond} ${})",
                n + 1
            ));
        }
        bound.push(Cell::from(i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1));
        let sql = format!(
            "SELECT {COLUMNS} FROM search WHERE {conditions} ORDER BY {key} {order}, procedure_id {order} LIMIT ${}",
            bound.len()
        );
        let sort = query.sort;
        let mut query = sql::query_as::<SearchRow>(sql);
        for value in bound {
            query = query.bind(value);
        }
        let mut rows = query.fetch_all(&self.reader).await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|r| (sort.key(r), r.procedure.clone()));
        Ok(Page { rows, next })
    }

    /// How many there are, counted up to `most`.
    pub async fn search_count(&self, query: &Query, most: u32, now: DateTime<Utc>) -> Result<u32, StoreError> {
        let (conditions, mut bound) = conditions(query, now);
        bound.push(Cell::from(i64::from(most)));
        let sql =
            format!("SELECT COUNT(*) FROM (SELECT 1 FROM search WHERE {conditions} LIMIT ${}) AS found", bound.len());
        let mut query = sql::query_as::<(i64,)>(sql);
        for value in bound {
            query = query.bind(value);
        }
        let (n,) = query.fetch_one(&self.reader).await?;
        Ok(u32::try_from(n).unwrap_or(most))
    }

    /// These procedures as a search finds them; unknown ones are left out.
    pub async fn search_rows(&self, procedures: &[String]) -> Result<Vec<SearchRow>, StoreError> {
        let mut out = Vec::with_capacity(procedures.len());
        // Both engines bound the parameters of one statement.
        for part in procedures.chunks(500) {
            let marks: Vec<String> = (1..=part.len()).map(|n| format!("${n}")).collect();
            let sql = format!("SELECT {COLUMNS} FROM search WHERE procedure_id IN ({})", marks.join(", "));
            let mut query = sql::query_as::<SearchRow>(sql);
            for id in part {
                query = query.bind(clean(id));
            }
            out.extend(query.fetch_all(&self.reader).await?);
        }
        Ok(out)
    }

    /// The words of what was published of late, folded: to find what a misspelt word may have meant.
    pub async fn latest_words(&self, limit: i64) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> =
            sql::query_as("SELECT words FROM search WHERE restricted = 0 ORDER BY at DESC, procedure_id DESC LIMIT $1")
                .bind(limit)
                .fetch_all(&self.reader)
                .await?;
        Ok(rows.into_iter().map(|(words,)| words).collect())
    }

    /// The procedures that are known under one of these keys ([`vigie_domain::procedure::keys`]).
    pub async fn procedures_of_keys(&self, keys: &[String]) -> Result<Vec<String>, StoreError> {
        let mut out: Vec<String> = Vec::new();
        for key in keys {
            let row: Option<(String,)> = sql::query_as("SELECT procedure_id FROM procedure_key WHERE key = $1")
                .bind(clean(key))
                .fetch_optional(&self.key_reader)
                .await?;
            out.extend(row.map(|(id,)| id).filter(|id| !out.contains(id)));
        }
        Ok(out)
    }

    /// Procedures that no search finds yet, or not by their buyer: they were ingested by an earlier version of this program.
    pub async fn unsearchable(&self, limit: i64) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = sql::query_as(
            "SELECT p.id FROM procedure p WHERE NOT EXISTS (SELECT 1 FROM search s WHERE s.procedure_id = p.id AND s.siren IS NOT NULL)
             AND EXISTS (SELECT 1 FROM notice n WHERE n.procedure_id = p.id) ORDER BY p.id LIMIT $1",
        )
        .bind(limit)
        .fetch_all(&self.reader)
        .await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Makes procedures searchable, all or none.
    pub async fn put_search_rows(&self, rows: &[SearchRow]) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        for row in rows {
            put(&mut tx, row, Tells::All).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

/// How much of a procedure a notice tells; the rest stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tells {
    /// All of it.
    All,
    /// What it offers and how it stands: a correction.
    Offer,
    /// How it stands: it ended, or some of its lots did.
    State,
}

impl IngestTx {
    /// Makes a procedure searchable.
    pub async fn put_search_row(&mut self, row: &SearchRow, tells: Tells) -> Result<(), StoreError> {
        put(&mut self.tx, row, tells).await
    }
}

async fn put(tx: &mut Transaction, row: &SearchRow, tells: Tells) -> Result<(), StoreError> {
    macro_rules! put {
        ($known:literal) => {
            concat!(
                "INSERT INTO search (procedure_id, title, buyer, buyer_type, verdict, sectors, departments, provisions, status, words,
                   score, closes, until, at, restricted, siren, buyer_key, stands)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
                 ON CONFLICT (procedure_id) DO UPDATE SET ",
                $known,
                ", siren = COALESCE(NULLIF(search.siren, ''), $16), buyer_key = COALESCE(NULLIF(search.buyer_key, ''), $17)",
                // What is not public changes nothing that is.
                ", restricted = $15 WHERE search.restricted >= $15"
            )
        };
    }
    let sql = match tells {
        Tells::All => put!(
            "title = $2, buyer = $3, buyer_type = $4, verdict = $5, sectors = $6, departments = $7, provisions = $8, status = $9,
             words = $10, score = $11, closes = $12, until = $13, stands = $18"
        ),
        Tells::Offer => put!("verdict = $5, provisions = $8, status = $9, score = $11, closes = $12, until = $13, stands = $18"),
        Tells::State => put!("status = $9, closes = $12, until = $13, stands = $18"),
    };
    sql::query(sql)
        .bind(row.procedure.clone())
        .bind(clean(&row.title))
        .bind(clean(&row.buyer))
        .bind(row.buyer_type.as_str().to_owned())
        .bind(clean(&row.verdict))
        .bind(spaced(row.sectors.iter().map(String::as_str)))
        .bind(spaced(row.departments.iter().map(Department::as_str)))
        .bind(spaced(row.provisions.iter().map(|p| p.as_str())))
        .bind(row.word().as_str().to_owned())
        .bind(clean(&row.words))
        .bind(i64::from(row.score))
        .bind(row.closes.map(millis))
        .bind(millis(row.until))
        .bind(millis(row.at))
        .bind(i64::from(row.restricted))
        .bind(row.siren.clone())
        .bind(commune::key(&row.buyer))
        .bind(to_json(&row.published)?)
        .execute(tx)
        .await?;
    Ok(())
}
