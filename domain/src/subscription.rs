//! Who wants to hear of what.
//!
//! A filter reads: OR within a dimension, AND across dimensions, an empty dimension lets everything through, and
//! exclusions win. Dimensions that belong to a lot (sector, place, provision, CPV) must hold *for the same lot*: a
//! cleaning lot in Lille and a laundry lot in Nice do not make a cleaning lot in Nice.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::territory::{Around, MAX_KM, Near, Territory};
use crate::{
    Access, Assessment, Buyer, BuyerKind, BuyerType, Cadence, Communes, Cpv, Days, Department, Notice, NoticeKind,
    Place, ProvisionKind, Sector, StructureKind, SupplyMode, access, wording,
};

/// Most days left that somebody may ask for: no procedure is announced further ahead.
const MAX_LEAD_DAYS: i64 = 730;
/// Largest amount asked for, in euros: no contract is worth more.
const MAX_EUROS: f64 = 1e12;

/// What a person is to the installation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Commercial staff of a structure.
    #[default]
    Structure,
    /// Facilitator of social clauses.
    Facilitator,
    /// Speaks for several structures.
    Network,
    /// Anyone reading a digest.
    Subscriber,
    /// Runs the installation.
    Operator,
}

/// Local hours in which nothing should ring, from `from` (included) to `to` (excluded), over midnight if need be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// First quiet hour, 0–23.
    pub from: u8,
    /// First hour that is not quiet any more, 0–23.
    pub to: u8,
}

/// How messages come to a person, whatever they subscribed to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rhythm {
    /// Local hour of their digests, 0–23; none = the installation's.
    pub digest_hour: Option<u8>,
    /// Days on which their digests come; one that would fall on another day comes on the next of these.
    #[serde(skip_serializing_if = "Days::is_default")]
    pub digest_days: Days,
    /// Hours in which messages wait, to come together afterwards.
    pub quiet: Option<QuietHours>,
    /// What presses may come in quiet hours too.
    pub urgent_passes: bool,
    /// Messages an hour before the rest is grouped in one; 0 = no limit, none = the installation's.
    pub per_hour: Option<u16>,
}

impl Rhythm {
    /// What is wrong with it, in French.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let hours = self.digest_hour.into_iter().chain(self.quiet.into_iter().flat_map(|q| [q.from, q.to]));
        let beyond = hours.filter(|h| *h > 23).map(|h| format!("heure « {h} » impossible : de 0 à 23")).next();
        let none = self.quiet.filter(|q| q.from == q.to);
        beyond.or_else(|| {
            none.map(|q| {
                format!("silence de {0} h à {0} h : aucune heure n’en serait ; donnez deux heures différentes", q.from)
            })
        })
    }
}

/// CPV codes as people write them.
fn codes<'de, D: serde::Deserializer<'de>>(read: D) -> Result<Vec<String>, D::Error> {
    let written: Vec<String> = Deserialize::deserialize(read)?;
    Ok(written.iter().map(|text| Cpv::written(text)).collect())
}

/// SIREN and SIRET numbers as people write them.
fn numbers<'de, D: serde::Deserializer<'de>>(read: D) -> Result<Vec<String>, D::Error> {
    let written: Vec<String> = Deserialize::deserialize(read)?;
    Ok(written.iter().map(|text| Buyer::written(text)).collect())
}

/// What a structure is: used to say how well a procedure fits it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    #[serde(default)]
    pub kind: Option<StructureKind>,
    #[serde(default)]
    pub siret: Option<String>,
    /// The SIRET of a structure that the person says to speak for, until somebody who may approves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_siret: Option<String>,
    /// They say to be a facilitator, until somebody who may gives them the role or says no.
    #[serde(default, skip_serializing_if = "is_false")]
    pub says_facilitator: bool,
    #[serde(default)]
    pub sectors: Vec<Sector>,
    #[serde(default)]
    pub departments: Vec<Department>,
    /// Names of the networks (GIE, inter-réseau, grappe) that it is a member of, as these are called here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<String>,
    /// They do not hear of what is reserved to others; `false` only where they asked for a line about it in their digests.
    #[serde(default = "yes", skip_serializing_if = "is_true")]
    pub without_closed: bool,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_true(value: &bool) -> bool {
    *value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            kind: None,
            siret: None,
            claimed_siret: None,
            says_facilitator: false,
            sectors: Vec::new(),
            departments: Vec::new(),
            networks: Vec::new(),
            without_closed: true,
        }
    }
}

impl Profile {
    /// Whether it is a member of the network of that name.
    #[must_use]
    pub fn is_member_of(&self, network: &str) -> bool {
        !network.trim().is_empty() && self.networks.iter().any(|n| is_network(n, network))
    }
}

/// Whether two people write the name of one network: « GIE Nord », « gie nord ».
#[must_use]
pub fn is_network(written: &str, name: &str) -> bool {
    written.trim().to_lowercase() == name.trim().to_lowercase()
}

/// A person, or a shared room, that receives messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscriber {
    pub id: String,
    /// How to greet them; may be empty.
    pub name: String,
    /// What they are to the installation.
    pub role: Role,
    /// What structure they speak for, if any.
    pub profile: Profile,
}

/// The conditions of a subscription.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Filter {
    /// Slugs of sectors.
    pub sectors: Vec<Sector>,
    /// CPV prefixes of 2 to 8 digits; a whole code means all that it holds.
    #[serde(deserialize_with = "codes")]
    pub cpv: Vec<String>,
    /// Départements of performance. Together with the next two they are one condition: any of them is enough.
    pub departments: Vec<Department>,
    /// SIRENs of intercommunalities of performance.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub epcis: Vec<String>,
    /// Circles around communes of performance.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub around: Vec<Around>,
    /// Social provisions of which one must be offered.
    pub provisions: Vec<ProvisionKind>,
    /// Kinds of notice; empty = all but events, awards and what follows awards. Awards stand for all of the latter.
    pub notice_kinds: Vec<NoticeKind>,
    /// Supply modes that must be possible.
    pub supply_modes: Vec<SupplyMode>,
    /// SIRET (or SIREN) of wanted buyers.
    #[serde(deserialize_with = "numbers")]
    pub buyers: Vec<String>,
    /// SIRET (or SIREN) of buyers never to hear of.
    #[serde(deserialize_with = "numbers")]
    pub excluded_buyers: Vec<String>,
    /// Public or private buyers only.
    pub buyer_kind: Option<BuyerKind>,
    /// Types of buyer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buyer_types: Vec<BuyerType>,
    /// Words of which one must stand in the title, a lot title or the text (case and accents ignored by the caller).
    pub words: Vec<String>,
    /// Words that rule a notice out.
    pub excluded_words: Vec<String>,
    /// Least score (0–100).
    pub min_score: u8,
    /// Least days left before closing.
    pub min_lead_days: Option<i64>,
    /// Least value in euros, where the value is known.
    pub min_amount: Option<f64>,
    /// Greatest value in euros, where the value is known.
    pub max_amount: Option<f64>,
}

/// A filter with its owner and rhythm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscription {
    pub id: String,
    pub subscriber: String,
    /// How its owner calls it; empty where they gave it no name.
    #[serde(default)]
    pub name: String,
    pub filter: Filter,
    pub cadence: Cadence,
    /// Until when it gives nothing.
    #[serde(default)]
    pub paused_until: Option<DateTime<Utc>>,
}

impl Subscription {
    /// Whether it gives nothing now.
    #[must_use]
    pub fn is_paused(&self, now: DateTime<Utc>) -> bool {
        self.paused_until.is_some_and(|until| until > now)
    }
}

/// A condition of a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    Sector,
    /// CPV prefix.
    Cpv,
    Department,
    Place,
    Provision,
    /// None of what their structure can do.
    Access,
    NoticeKind,
    SupplyMode,
    /// Wanted or unwanted buyer.
    Buyer,
    Words,
    ExcludedWords,
    /// Score too low.
    Score,
    /// Not enough time left.
    LeadTime,
    /// Value out of bounds.
    Amount,
}

impl Dimension {
    /// As a person reads it.
    #[must_use]
    pub fn in_french(self) -> &'static str {
        match self {
            Self::Sector => "secteur",
            Self::Cpv => "code CPV",
            Self::Department => "département",
            Self::Place => "lieu d’exécution",
            Self::Provision => "disposition sociale",
            Self::Access => "hors de ce que votre structure peut faire",
            Self::NoticeKind => "nature de l’avis",
            Self::SupplyMode => "ce que vous vendez",
            Self::Buyer => "acheteur",
            Self::Words => "mots voulus",
            Self::ExcludedWords => "mots exclus",
            Self::Score => "intérêt trop faible",
            Self::LeadTime => "délai trop court",
            Self::Amount => "montant",
        }
    }

    /// Its place in the order of the checks of [`Filter::test`]: the later, the nearer the notice came to a match.
    #[must_use]
    pub fn rank(self) -> u8 {
        match self {
            Self::ExcludedWords => 0,
            Self::NoticeKind => 1,
            Self::Buyer => 2,
            Self::Score => 3,
            Self::LeadTime => 4,
            Self::Amount => 5,
            Self::Words => 6,
            Self::Sector => 7,
            Self::Cpv => 8,
            Self::Department | Self::Place => 9,
            Self::Provision => 10,
            Self::SupplyMode => 11,
            Self::Access => 12,
        }
    }
}

/// Why a filter let a notice through.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Match {
    /// Lots that satisfy every condition; empty = the procedure as a whole.
    pub lots: Vec<String>,
    pub sectors: Vec<Sector>,
    pub departments: Vec<Department>,
    pub provisions: Vec<ProvisionKind>,
    pub words: Vec<String>,
    /// Places that met, more precisely than by their département.
    #[serde(default)]
    pub near: Vec<Near>,
    /// Only a need beside the main object met, not the object itself.
    #[serde(default)]
    pub side_need: bool,
    /// What their structure can do about these lots.
    #[serde(default, skip_serializing_if = "Access::is_bid")]
    pub access: Access,
}

/// A notice seen through the eyes of filters: what of it is compared, with text folded once.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    pub notice: &'a Notice,
    /// The verdict on it.
    pub assessment: &'a Assessment,
    /// Title, lot titles and text: lower case, no accents, single spaces, padded with one space on both ends.
    pub folded: &'a str,
    pub now: DateTime<Utc>,
    /// The table of communes, read by the first filter that needs it.
    pub communes: fn() -> &'static Communes,
}

impl Candidate<'_> {
    /// Places of performance of a lot; those of the notice where the lot names none.
    fn places(&self, lot: Option<&str>) -> &[Place] {
        let read = lot.and_then(|id| self.assessment.lots.iter().find(|l| l.id == id)).map(|l| l.places.as_slice());
        let stated = || lot.and_then(|id| self.notice.lots.iter().find(|l| l.id == id)).map(|l| l.places.as_slice());
        let some = |places: &&[Place]| !places.is_empty();
        read.filter(some).or_else(|| stated().filter(some)).unwrap_or(&self.notice.places)
    }
}

impl Filter {
    #[must_use]
    pub fn territory(&self) -> Territory<'_> {
        Territory { departments: &self.departments, epcis: &self.epcis, around: &self.around }
    }

    /// How near the notice came to the places asked for, for whoever asks why it did not come.
    #[must_use]
    pub fn nearest(&self, c: &Candidate<'_>) -> Option<Near> {
        if !self.territory().is_fine() {
            return None;
        }
        let verdict = self.territory().test(c.places(None), &c.assessment.departments, (c.communes)());
        verdict.near.into_iter().next()
    }

    /// What in this filter can never match, in French; empty when all is well.
    #[must_use]
    pub fn faults(&self) -> Vec<String> {
        let mut out = Vec::new();
        let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        for code in self.cpv.iter().filter(|c| !(digits(c) && (2..=8).contains(&c.len()))) {
            out.push(format!("préfixe CPV «\u{a0}{code}\u{a0}» impossible : de 2 à 8 chiffres"));
        }
        for siret in
            self.buyers.iter().chain(&self.excluded_buyers).filter(|s| !(digits(s) && matches!(s.len(), 9 | 14)))
        {
            out.push(format!(
                "acheteur «\u{a0}{siret}\u{a0}» impossible : un SIREN (9 chiffres) ou un SIRET (14 chiffres)"
            ));
        }
        for siren in self.epcis.iter().filter(|s| !(digits(s) && s.len() == 9)) {
            out.push(format!("intercommunalité «\u{a0}{siren}\u{a0}» impossible : son SIREN a 9 chiffres"));
        }
        for around in self.around.iter().filter(|a| !(1..=MAX_KM).contains(&a.km)) {
            out.push(format!("rayon de {}\u{a0}km impossible : de 1 à {MAX_KM}\u{a0}km", around.km));
        }
        if self.words.iter().chain(&self.excluded_words).any(|w| w.trim().is_empty()) {
            out.push("un mot voulu ou exclu est vide".to_owned());
        }
        for code in self.cpv.iter().filter(|c| c.starts_with("00")) {
            out.push(format!("préfixe CPV «\u{a0}{code}\u{a0}» impossible : aucun code ne commence par 00"));
        }
        if [self.min_amount, self.max_amount].into_iter().flatten().any(|euros| !(0.0..=MAX_EUROS).contains(&euros)) {
            out.push("montant impossible : un nombre d’euros, de 0 à mille milliards".to_owned());
        }
        if self.min_lead_days.is_some_and(|days| !(0..=MAX_LEAD_DAYS).contains(&days)) {
            out.push(format!("jours restants impossibles : de 0 à {MAX_LEAD_DAYS}"));
        }
        if let (Some(least), Some(most)) = (self.min_amount, self.max_amount)
            && least > most
        {
            out.push("le montant minimal dépasse le montant maximal".to_owned());
        }
        if self.min_score > 100 {
            out.push("l’intérêt minimal va de 0 à 100".to_owned());
        }
        out
    }

    /// Places of it that the table of communes does not know, in French; empty when all is well. The table is read only where
    /// there is such a place.
    #[must_use]
    pub fn unknown_places(&self, communes: fn() -> &'static Communes) -> Vec<String> {
        let epcis = self.epcis.iter().filter(|s| communes().epci(s).is_none());
        let epcis = epcis.map(|s| format!("intercommunalité «\u{a0}{s}\u{a0}» inconnue"));
        let centres = self.around.iter().filter(|a| communes().by_code(&a.commune).is_none_or(|c| c.at.is_none()));
        epcis.chain(centres.map(|a| format!("commune «\u{a0}{}\u{a0}» inconnue", a.commune))).collect()
    }

    /// The same filter with its words in the spelling of the text they are looked for in.
    #[must_use]
    pub fn with_words_folded(mut self, fold: impl Fn(&str) -> String) -> Self {
        self.words.iter_mut().chain(&mut self.excluded_words).for_each(|w| *w = fold(w));
        self
    }

    /// Whether the text of a notice must be read to test it.
    #[must_use]
    pub fn reads_text(&self) -> bool {
        !(self.words.is_empty() && self.excluded_words.is_empty())
    }

    /// Tests a notice; `Err` names the first dimension that rules it out.
    ///
    /// Words in the filter are expected folded like [`Candidate::folded`].
    ///
    /// # Errors
    /// The dimension that does not meet.
    pub fn test(&self, c: &Candidate<'_>) -> Result<Match, Dimension> {
        self.test_whole(c)?;
        let mut found = Match {
            words: self.words.iter().filter(|w| wording::holds(c.folded, w)).cloned().collect(),
            ..Match::default()
        };
        if !self.words.is_empty() && found.words.is_empty() {
            return Err(Dimension::Words);
        }
        if c.assessment.lots.is_empty() {
            let a = c.assessment;
            self.test_part(c, None, &a.sectors, &a.cpv, &a.departments, &mut found)?;
            return Ok(found);
        }
        let whole = c.assessment;
        let mut refusal = None;
        let mut try_lots = |trades: Option<&[Sector]>, found: &mut Match| {
            for lot in &whole.lots {
                let departments = if lot.departments.is_empty() { &whole.departments } else { &lot.departments };
                let cpv = if lot.cpv.is_empty() { &whole.cpv } else { &lot.cpv };
                match self.test_part(c, Some(&lot.id), trades.unwrap_or(&lot.sectors), cpv, departments, found) {
                    Ok(()) => found.lots.push(lot.id.clone()),
                    // The refusal that came furthest explains best.
                    Err(d) => refusal = Some(refusal.map_or(d, |r: Dimension| if d.rank() > r.rank() { d } else { r })),
                }
            }
        };
        try_lots(None, &mut found);
        if found.lots.is_empty() {
            // A trade that only the notice as a whole names, its lots being mute about it, may be of each of them: where they lie
            // and what they offer counts all the same.
            let named = |s: &&Sector| whole.lots.iter().any(|lot| lot.sectors.contains(s));
            let unplaced: Vec<Sector> = whole.sectors.iter().filter(|s| !named(s)).cloned().collect();
            if !unplaced.is_empty() {
                try_lots(Some(&unplaced), &mut found);
            }
        }
        if found.lots.is_empty() {
            return Err(refusal.unwrap_or(Dimension::Sector));
        }
        if found.lots.len() == c.assessment.lots.len() {
            found.lots.clear();
        }
        Ok(found)
    }

    /// Conditions that belong to the notice as a whole. Exclusions first, since they win.
    fn test_whole(&self, c: &Candidate<'_>) -> Result<(), Dimension> {
        let siret = c.notice.buyer.siret.as_deref().unwrap_or_default();
        let is = |list: &[String]| !siret.is_empty() && list.iter().any(|b| siret.starts_with(b.as_str()));
        if is(&self.excluded_buyers) {
            return Err(Dimension::Buyer);
        }
        if self.excluded_words.iter().any(|w| wording::holds(c.folded, w)) {
            return Err(Dimension::ExcludedWords);
        }
        let kind = c.assessment.notice_kind;
        let wanted_kind = if self.notice_kinds.is_empty() {
            !kind.is_result() && kind != NoticeKind::Event
        } else {
            kind.is_among(&self.notice_kinds)
        };
        if !wanted_kind {
            return Err(Dimension::NoticeKind);
        }
        let buyer = &c.notice.buyer;
        if (!self.buyers.is_empty() && !is(&self.buyers))
            || self.buyer_kind.is_some_and(|k| k != buyer.kind)
            || (!self.buyer_types.is_empty() && !self.buyer_types.contains(&BuyerType::of(buyer)))
        {
            return Err(Dimension::Buyer);
        }
        if c.assessment.score < self.min_score {
            return Err(Dimension::Score);
        }
        if let (Some(least), Some(deadline)) = (self.min_lead_days, c.assessment.deadline())
            && (deadline.with_timezone(&Utc) - c.now).num_days() < least
        {
            return Err(Dimension::LeadTime);
        }
        if let Some(value) = c.notice.estimated_value
            && (self.min_amount.is_some_and(|m| value < m) || self.max_amount.is_some_and(|m| value > m))
        {
            return Err(Dimension::Amount);
        }
        Ok(())
    }

    fn test_part(
        &self,
        c: &Candidate<'_>,
        lot: Option<&str>,
        sectors: &[Sector],
        cpv: &[crate::Cpv],
        departments: &[Department],
        found: &mut Match,
    ) -> Result<(), Dimension> {
        let met_sectors: Vec<&Sector> = sectors.iter().filter(|s| self.sectors.contains(s)).collect();
        let side: Vec<&Sector> = c.assessment.side_sectors.iter().filter(|s| self.sectors.contains(s)).collect();
        if !self.sectors.is_empty() && met_sectors.is_empty() && side.is_empty() {
            return Err(Dimension::Sector);
        }
        if !self.cpv.is_empty() && !cpv.iter().any(|code| self.cpv.iter().any(|asked| code.is_in(asked))) {
            return Err(Dimension::Cpv);
        }
        let territory = self.territory();
        let place = if territory.is_fine() {
            territory.test(c.places(lot), departments, (c.communes)())
        } else {
            territory.by_department(departments)
        };
        if !place.taken {
            return Err(if territory.is_fine() { Dimension::Place } else { Dimension::Department });
        }
        let provisions: Vec<ProvisionKind> =
            c.assessment.provisions.iter().filter(|p| p.covers(lot)).map(|p| p.kind).collect();
        if !self.provisions.is_empty() && !self.provisions.iter().any(|p| provisions.contains(p)) {
            return Err(Dimension::Provision);
        }
        if !self.supply_modes.is_empty() && !self.supply_possible(c, lot) {
            return Err(Dimension::SupplyMode);
        }
        found.side_need =
            !self.sectors.is_empty() && met_sectors.is_empty() && (found.side_need || found.lots.is_empty());
        met_sectors
            .iter()
            .chain(if met_sectors.is_empty() { side.iter() } else { [].iter() })
            .for_each(|s| add_once(&mut found.sectors, *s));
        place.departments.iter().for_each(|d| add_once(&mut found.departments, d));
        place.near.iter().for_each(|near| add_once(&mut found.near, near));
        provisions.iter().for_each(|p| add_once(&mut found.provisions, p));
        Ok(())
    }

    /// Whether structures that supply so can bid for a lot, or serve whoever does.
    fn supply_possible(&self, c: &Candidate<'_>, lot: Option<&str>) -> bool {
        let a = c.assessment;
        let lot = lot.and_then(|id| a.lots.iter().find(|l| l.id == id));
        let can = |k: &StructureKind| access::of_lot(*k, a, lot).is_some_and(|access| access != Access::Closed);
        let kinds = a.eligible_kinds.iter().filter(|k| k.supply_modes().iter().any(|m| self.supply_modes.contains(m)));
        kinds.into_iter().any(can)
    }
}

fn add_once<T: Clone + PartialEq>(list: &mut Vec<T>, item: &T) {
    if !list.contains(item) {
        list.push(item.clone());
    }
}
