//! Subscriptions and notices as a country may have them, drawn by a seed: popular trades and places are asked for more often than
//! rare ones; people ask for a few départements around theirs, some for CPV prefixes, provisions, words or a least value.
//!
//! Notices are about the first half of the départements. People beyond `near` ask for the second half: however many there are,
//! a notice concerns as many as before.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use vigie_config::rules::Rules;
use vigie_domain::{Assessment, Cpv, Department, Evidence, Filter, Notice, NoticeKind, Provision, ProvisionKind};
use vigie_tests::service::Outcome;
use vigie_watcher::classify::fold::fold;

/// How much less often each sector or département is asked for than the one before it (Zipf's exponent).
const POPULARITY: f64 = 0.6;
const PROVISIONS: [ProvisionKind; 6] = [
    ProvisionKind::Reserved,
    ProvisionKind::ExecutionClause,
    ProvisionKind::AwardCriterion,
    ProvisionKind::InsertionService,
    ProvisionKind::SocialConditionNotSeen,
    ProvisionKind::Other,
];
const AMOUNTS: [f64; 4] = [25_000.0, 40_000.0, 90_000.0, 215_000.0];
const VALUES: [f64; 5] = [15_000.0, 60_000.0, 120_000.0, 300_000.0, 2_000_000.0];

/// A notice with its verdict and its searchable text.
pub(super) struct Drawn {
    pub(super) notice: Notice,
    pub(super) assessment: Assessment,
    pub(super) folded: String,
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers for the same seed, everywhere.
pub(super) struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Below `n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n.max(1) as u64).unwrap_or(0)
    }

    /// From 0 to 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn is(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    fn one_of<'a, T>(&mut self, list: &'a [T]) -> Option<&'a T> {
        list.get(self.below(list.len()))
    }
}

/// Draws the places of a list, the first ones more often.
struct Popular(Vec<f64>);

impl Popular {
    fn of(n: usize) -> Self {
        let mut sum = 0.0;
        Self(
            (1..=n)
                .map(|rank| {
                    sum += (rank as f64).powf(-POPULARITY);
                    sum
                })
                .collect(),
        )
    }

    fn draw(&self, chance: &mut Chance) -> usize {
        let at = chance.share() * self.0.last().copied().unwrap_or_default();
        self.0.partition_point(|sum| *sum < at).min(self.0.len().saturating_sub(1))
    }
}

/// What subscriptions and notices are drawn from.
pub(super) struct Country {
    chance: Chance,
    sectors: Vec<String>,
    departments: Vec<Department>,
    words: Vec<String>,
    codes: Vec<String>,
    by_sector: Popular,
    by_department: Popular,
}

impl Country {
    pub(super) fn new(seed: u64) -> Self {
        let rules = Rules::embedded();
        let sectors: Vec<String> = rules.sectors().map(|(slug, _)| slug.to_owned()).collect();
        let departments: Vec<Department> =
            rules.departments().filter_map(|(code, _)| Department::parse(code)).collect();
        let labels = rules.sectors().map(|(_, row)| fold(&row.label)).collect::<Vec<_>>().join(" ");
        let mut words: Vec<String> =
            labels.split(|c: char| !c.is_alphanumeric()).filter(|w| w.len() >= 5).map(str::to_owned).collect();
        words.sort();
        words.dedup();
        let mut chance = Chance(seed);
        let codes = (0..400).map(|_| format!("{}", 15_000_000 + chance.below(83_000_000))).collect();
        let (by_sector, by_department) = (Popular::of(sectors.len()), Popular::of(departments.len() / 2));
        Self { chance, sectors, departments, words, codes, by_sector, by_department }
    }

    fn sectors(&mut self, most: usize) -> Vec<String> {
        let n = 1 + self.chance.below(most);
        let mut out: Vec<String> = Vec::new();
        while out.len() < n {
            let sector = &self.sectors[self.by_sector.draw(&mut self.chance)];
            if !out.contains(sector) {
                out.push(sector.clone());
            }
        }
        out
    }

    /// A département of the half that notices are about, or of the other one.
    fn department(&mut self, near: bool) -> usize {
        let half = self.departments.len() / 2;
        self.by_department.draw(&mut self.chance) + if near { 0 } else { half }
    }

    /// The conditions of one subscription.
    pub(super) fn filter(&mut self, near: bool) -> Filter {
        let half = self.departments.len() / 2;
        let from = if near { 0 } else { half };
        let home = self.department(near);
        let mut places = vec![home];
        for _ in 0..self.chance.below(6) {
            let next = if self.chance.is(0.8) {
                from + (home - from + 1 + self.chance.below(8)) % half
            } else {
                self.department(near)
            };
            if !places.contains(&next) {
                places.push(next);
            }
        }
        let mut filter = Filter {
            sectors: self.sectors(4),
            departments: places.into_iter().map(|n| self.departments[n].clone()).collect(),
            ..Filter::default()
        };
        if self.chance.is(0.15) {
            for _ in 0..=self.chance.below(3) {
                let length = 2 + self.chance.below(4);
                filter.cpv.extend(self.chance.one_of(&self.codes).map(|code| code[..length].to_owned()));
            }
        }
        if self.chance.is(0.4) {
            for _ in 0..=self.chance.below(3) {
                filter.provisions.extend(self.chance.one_of(&PROVISIONS));
            }
        }
        if self.chance.is(0.3) {
            for _ in 0..=self.chance.below(3) {
                filter.words.extend(self.chance.one_of(&self.words).map(|word| format!(" {word} ")));
            }
        }
        if self.chance.is(0.2) {
            filter.min_amount = self.chance.one_of(&AMOUNTS).copied();
        }
        filter
    }

    /// A notice with one place, as most are.
    pub(super) fn notice(&mut self, n: usize) -> Drawn {
        let mut notice = Notice::new("audience", format!("26-{n}"), NoticeKind::Call);
        let drawn: Vec<&str> = (0..12).filter_map(|_| self.chance.one_of(&self.words)).map(String::as_str).collect();
        notice.title = drawn.join(" ");
        let place = self.department(true);
        notice.departments = vec![self.departments[place].clone()];
        if self.chance.is(0.6) {
            notice.estimated_value = self.chance.one_of(&VALUES).copied();
        }
        let mut cpv: Vec<Cpv> = Vec::new();
        for _ in 0..=self.chance.below(3) {
            cpv.extend(self.chance.one_of(&self.codes).and_then(|code| Cpv::parse(code)));
        }
        let mut kinds = Vec::new();
        if self.chance.is(0.3) {
            for _ in 0..=self.chance.below(2) {
                kinds.extend(self.chance.one_of(&PROVISIONS).copied());
            }
        }
        let sectors = self.sectors(3);
        drawn_notice(notice, sectors, cpv, kinds)
    }
}

fn drawn_notice(notice: Notice, sectors: Vec<String>, cpv: Vec<Cpv>, kinds: Vec<ProvisionKind>) -> Drawn {
    let evidence = || Evidence { field: Some("audience".into()), quote: None };
    let assessment = Assessment {
        title: notice.title.clone(),
        cpv,
        departments: notice.departments.clone(),
        provisions: kinds.into_iter().map(|kind| Provision::new(kind, evidence())).collect(),
        sectors,
        score: 50,
        ..Assessment::new(notice.record_id.clone(), notice.kind)
    };
    let words = fold(&notice.title);
    let words = words.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ");
    Drawn { notice, assessment, folded: format!(" {words} ") }
}

/// Subscriptions and notices written by another program, one JSON object a line: `subscriptions.jsonl` ({sectors, departments,
/// cpv, provisions, keywords, min_amount}) and `notices.jsonl` ({id, sectors, department, cpv, provisions, amount, text}).
pub(super) fn read(folder: &Path, most: usize) -> Outcome<(Vec<Filter>, Vec<Drawn>)> {
    let lines = |name: &str| std::fs::read_to_string(folder.join(name));
    let strings = |value: &Value| -> Vec<String> {
        let word = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        value.as_array().into_iter().flatten().map(word).collect()
    };
    let provisions = |value: &Value| -> Vec<ProvisionKind> {
        let numbers = value.as_array().into_iter().flatten().filter_map(Value::as_u64);
        numbers.filter_map(|n| PROVISIONS.get(usize::try_from(n).ok()?.checked_sub(1)?).copied()).collect()
    };
    let mut filters = Vec::new();
    for line in lines("subscriptions.jsonl")?.lines().take(most) {
        let row: BTreeMap<String, Value> = serde_json::from_str(line)?;
        filters.push(Filter {
            sectors: strings(&row["sectors"]),
            departments: strings(&row["departments"]).iter().filter_map(|d| Department::parse(d)).collect(),
            cpv: strings(&row["cpv"]),
            provisions: provisions(&row["provisions"]),
            words: strings(&row["keywords"]).into_iter().map(|w| format!(" {w} ")).collect(),
            min_amount: row["min_amount"].as_f64(),
            ..Filter::default()
        });
    }
    let mut notices = Vec::new();
    for line in lines("notices.jsonl")?.lines() {
        let row: BTreeMap<String, Value> = serde_json::from_str(line)?;
        let mut notice = Notice::new("audience", row["id"].to_string(), NoticeKind::Call);
        notice.title = row["text"].as_str().unwrap_or_default().to_owned();
        notice.departments = row["department"].as_str().and_then(Department::parse).into_iter().collect();
        notice.estimated_value = row["amount"].as_f64();
        let cpv = strings(&row["cpv"]).iter().filter_map(|c| Cpv::parse(c)).collect();
        notices.push(drawn_notice(notice, strings(&row["sectors"]), cpv, provisions(&row["provisions"])));
    }
    Ok((filters, notices))
}
