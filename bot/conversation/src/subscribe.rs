//! The guided dialogue to subscribe: a state machine without input or output.
//!
//! ```text
//! SIRET (directory) or kind by hand → sectors → places → provisions → rhythm → confirm
//!                                                                        refine ⇄
//! ```
//!
//! [`next`] takes where the dialogue stands and what was said, and gives where it stands now; what needs the outside (a look
//! into the directory, the count of what it would have given, keeping it) is asked for by [`Next`]. What is not understood
//! leaves the dialogue where it stands.

use serde::{Deserialize, Serialize};
use vigie_config::rules::Rules;
use vigie_domain::directory::Structure;
use vigie_domain::subscription::{Profile, Role};
use vigie_domain::{Around, Buyer, Cadence, Department, Filter, ProvisionKind, Sector, StructureKind, french};
use vigie_notifier::card::{provision_label, short};
use vigie_notifier::criteria;

use vigie_domain::french::capital;
use vigie_notifier::chat::Button;
use vigie_service::answers::action::{self, folded};
use vigie_service::place_input;

use super::refine;

/// Longest answer looked at, in characters.
const MAX_ANSWER: usize = 600;
/// Pieces of one answer.
const MAX_PIECES: usize = 30;
/// Sectors that one word may add; more are offered to choose from.
const MAX_ADDED: usize = 3;
/// What was kept, named in a question.
const MAX_SHOWN: usize = 20;
/// Choices offered.
const MAX_CHOICES: usize = 8;
/// Sectors or départements one subscription may name here.
const MAX_NAMED: usize = 60;

/// A question of the dialogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Which structure, by its SIRET.
    Siret,
    /// Is it this one?
    Known,
    /// What kind of structure.
    Kind,
    /// Which trades.
    Sectors,
    /// Where.
    Places,
    /// Which provisions.
    Provisions,
    /// How often.
    Rhythm,
    /// Is that right?
    Confirm,
    /// Any other condition?
    Refine,
}

impl Step {
    /// The word in buttons.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Siret => "siret",
            Self::Known => "known",
            Self::Kind => "kind",
            Self::Sectors => "sectors",
            Self::Places => "places",
            Self::Provisions => "provisions",
            Self::Rhythm => "rhythm",
            Self::Confirm => "confirm",
            Self::Refine => "refine",
        }
    }

    fn before(self) -> Self {
        match self {
            Self::Siret | Self::Known | Self::Kind => Self::Siret,
            Self::Sectors => Self::Kind,
            Self::Places => Self::Sectors,
            Self::Provisions => Self::Places,
            Self::Rhythm => Self::Provisions,
            Self::Confirm => Self::Rhythm,
            Self::Refine => Self::Confirm,
        }
    }
}

/// A subscription on the way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The question that waits.
    pub step: Step,
    /// The structure's SIRET, where it was found in the directory.
    #[serde(default)]
    pub siret: Option<String>,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its kind.
    #[serde(default)]
    pub kind: Option<StructureKind>,
    /// Trades; empty = all.
    #[serde(default)]
    pub sectors: Vec<Sector>,
    /// Places; these and the next two empty = everywhere.
    #[serde(default)]
    pub departments: Vec<Department>,
    /// Intercommunalities.
    #[serde(default)]
    pub epcis: Vec<String>,
    /// Circles.
    #[serde(default)]
    pub around: Vec<Around>,
    /// Provisions; empty = any, or none.
    #[serde(default)]
    pub provisions: Vec<ProvisionKind>,
    /// Rhythm.
    #[serde(default)]
    pub cadence: Option<Cadence>,
    /// Other conditions.
    #[serde(default)]
    pub more: Filter,
    /// Sectors offered to choose from.
    #[serde(default)]
    pub choices: Vec<Sector>,
}

impl Draft {
    /// What it would ask for.
    #[must_use]
    pub fn filter(&self) -> Filter {
        Filter {
            sectors: self.sectors.clone(),
            departments: self.departments.clone(),
            epcis: self.epcis.clone(),
            around: self.around.clone(),
            provisions: self.provisions.clone(),
            ..self.more.clone()
        }
    }

    fn is_everywhere(&self) -> bool {
        self.departments.is_empty() && self.epcis.is_empty() && self.around.is_empty()
    }

    fn without_places(self) -> Self {
        Self { departments: Vec::new(), epcis: Vec::new(), around: Vec::new(), ..self }
    }
}

/// Where the dialogue goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// The question of the draft is to be asked, after that word.
    Ask(Draft, String),
    /// Nothing was understood: the same question, and why.
    Again(Draft, String),
    /// The directory is to be asked for this SIRET; [`found`] goes on.
    LookUp(Draft, String),
    /// The subscription is to be kept.
    Save(Draft),
    /// They left.
    Cancelled,
}

/// A dialogue begins, for someone of that role and profile.
#[must_use]
pub fn begin(role: Role, profile: &Profile) -> Draft {
    let structure = matches!(role, Role::Structure | Role::Network);
    let known = !structure || profile.kind.is_some();
    Draft {
        step: if known { Step::Sectors } else { Step::Siret },
        siret: None,
        name: String::new(),
        kind: profile.kind,
        sectors: profile.sectors.clone(),
        departments: profile.departments.clone(),
        epcis: Vec::new(),
        around: Vec::new(),
        provisions: Vec::new(),
        cadence: None,
        more: Filter::default(),
        choices: Vec::new(),
    }
}

/// What was said, at this point of the dialogue.
#[must_use]
pub fn next(draft: Draft, said: &str) -> Next {
    let text: String = said.chars().take(MAX_ANSWER).collect();
    let words = folded(&text);
    match words.as_str() {
        "annuler" | "cancel" | "abandonner" => return Next::Cancelled,
        "retour" | "precedent" => {
            let step = draft.step.before();
            return Next::Ask(Draft { step, choices: Vec::new(), ..draft }, String::new());
        }
        "recommencer" => {
            let kept = Profile { kind: None, ..Profile::default() };
            return Next::Ask(begin(Role::Structure, &kept), "On reprend du début.".to_owned());
        }
        _ => {}
    }
    match draft.step {
        Step::Siret => siret(draft, &text, &words),
        Step::Known => known(draft, &words),
        Step::Kind => kind(draft, &words),
        Step::Sectors => sectors(draft, &text, &words),
        Step::Places => places(draft, &text, &words),
        Step::Provisions => provisions(draft, &text, &words),
        Step::Rhythm => rhythm(draft, &words),
        Step::Confirm => confirm(draft, &words),
        Step::Refine => refined(draft, &text, &words),
    }
}

fn passes(words: &str) -> bool {
    matches!(words, "suite" | "continuer" | "passer" | "ok" | "oui" | "c'est tout" | "garder" | "suivant" | "non")
}

fn siret(draft: Draft, text: &str, words: &str) -> Next {
    if matches!(words, "a la main" | "sans siret" | "je ne sais pas" | "passer" | "non" | "aucun") {
        return Next::Ask(Draft { step: Step::Kind, ..draft }, String::new());
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return Next::Again(draft, "J’attends les quatorze chiffres du SIRET, ou «\u{a0}à la main\u{a0}».".to_owned());
    }
    match Buyer::clean_siret(&digits).filter(|n| n.len() == 14) {
        Some(siret) => Next::LookUp(draft, siret),
        None => Next::Again(
            draft,
            format!(
                "{} chiffres ne font pas un SIRET\u{a0}: il en a quatorze. Vérifiez-le, ou dites «\u{a0}à la main\u{a0}».",
                digits.len()
            ),
        ),
    }
}

/// What the directory says of a SIRET.
#[must_use]
pub fn found(draft: Draft, siret: &str, structure: Option<Structure>) -> Next {
    match structure {
        Some(s) => Next::Ask(
            Draft {
                step: Step::Known,
                siret: Some(s.siret),
                name: s.name,
                kind: Some(s.kind),
                sectors: s.sectors,
                departments: s.departments,
                ..draft
            },
            String::new(),
        ),
        None => Next::Ask(
            Draft { step: Step::Kind, ..draft },
            format!("Je ne trouve pas {siret} dans l’annuaire. Continuons à la main."),
        ),
    }
}

fn known(draft: Draft, words: &str) -> Next {
    match words {
        "oui" | "c'est elle" | "c'est nous" | "ok" | "exact" => {
            Next::Ask(Draft { step: Step::Sectors, ..draft }, String::new())
        }
        "non" | "ce n'est pas elle" | "ce n'est pas nous" => {
            let bare = Draft {
                step: Step::Siret,
                siret: None,
                name: String::new(),
                kind: None,
                sectors: Vec::new(),
                departments: Vec::new(),
                ..draft
            };
            Next::Ask(bare, "Reprenons.".to_owned())
        }
        _ => Next::Again(draft, "Répondez «\u{a0}oui\u{a0}» ou «\u{a0}non\u{a0}».".to_owned()),
    }
}

fn kind(draft: Draft, words: &str) -> Next {
    if matches!(words, "autre" | "aucun" | "passer" | "je ne sais pas") {
        return Next::Ask(Draft { step: Step::Sectors, kind: None, ..draft }, String::new());
    }
    match StructureKind::parse(words) {
        Some(kind) => Next::Ask(Draft { step: Step::Sectors, kind: Some(kind), ..draft }, String::new()),
        None => Next::Again(
            draft,
            "Je connais EI, AI, ACI, ETTI, EITI, GEIQ, EA, EATT, ESAT et SEP\u{a0}; sinon, «\u{a0}autre\u{a0}»."
                .to_owned(),
        ),
    }
}

/// Pieces of an answer: between commas, line ends, « et », « ou ».
fn pieces(text: &str) -> Vec<String> {
    let lined = text.replace([',', ';', '/', '\n', '•'], "\u{1}").replace(" et ", "\u{1}").replace(" ou ", "\u{1}");
    lined.split('\u{1}').map(folded).filter(|p| !p.is_empty()).take(MAX_PIECES).collect()
}

/// What a word says of the trades.
enum Trades {
    These(Vec<Sector>),
    Choose(Vec<Sector>),
    None,
}

fn trades(piece: &str, choices: &[Sector]) -> Trades {
    if let Some(chosen) = piece.parse::<usize>().ok().and_then(|n| choices.get(n.checked_sub(1)?)) {
        return Trades::These(vec![chosen.clone()]);
    }
    if piece.chars().count() < 3 {
        return Trades::None;
    }
    let rules = Rules::embedded();
    let mut part: Vec<(usize, Sector)> = Vec::new();
    for (slug, row) in rules.sectors() {
        let label = folded(&row.label);
        if label == piece || slug == piece {
            return Trades::These(vec![slug.to_owned()]);
        }
        if label.contains(piece) {
            part.push((label.len(), slug.to_owned()));
        }
    }
    let group: Vec<Sector> = rules
        .sectors()
        .filter(|(slug, _)| rules.sector_group(slug).is_some_and(|g| folded(rules.group_label(g)) == piece))
        .map(|(slug, _)| slug.to_owned())
        .collect();
    if !group.is_empty() {
        return Trades::These(group);
    }
    part.sort();
    let mut part: Vec<Sector> = part.into_iter().map(|(_, slug)| slug).collect();
    match part.len() {
        0 => Trades::None,
        n if n <= MAX_ADDED => Trades::These(part),
        _ => {
            part.truncate(MAX_CHOICES);
            Trades::Choose(part)
        }
    }
}

fn sectors(mut draft: Draft, text: &str, words: &str) -> Next {
    if passes(words) {
        return Next::Ask(Draft { step: Step::Places, choices: Vec::new(), ..draft }, String::new());
    }
    if matches!(words, "tous" | "tous les metiers" | "tout") {
        return Next::Ask(
            Draft { step: Step::Places, sectors: Vec::new(), choices: Vec::new(), ..draft },
            String::new(),
        );
    }
    if matches!(words, "effacer" | "vider") {
        draft.sectors.clear();
        return Next::Ask(draft, "Liste vidée.".to_owned());
    }
    let (mut unknown, mut understood) = (Vec::new(), false);
    let offered = std::mem::take(&mut draft.choices);
    for piece in pieces(text) {
        match trades(&piece, &offered) {
            Trades::These(found) => {
                understood = true;
                for sector in found {
                    if !draft.sectors.contains(&sector) && draft.sectors.len() < MAX_NAMED {
                        draft.sectors.push(sector);
                    }
                }
            }
            Trades::Choose(found) => {
                understood = true;
                draft.choices = found;
            }
            Trades::None => unknown.push(piece),
        }
    }
    let mut note = String::new();
    if let Some(first) = unknown.first() {
        let rules = Rules::embedded();
        let near = rules.nearest_sector(&first.replace(' ', "-")).to_owned();
        note = format!("Je ne connais pas «\u{a0}{}\u{a0}».", short(first, 40));
        if draft.choices.is_empty() && !near.is_empty() {
            note.push_str(" Le plus proche est proposé ci-dessous.");
            draft.choices = vec![near];
        }
    }
    if understood { Next::Ask(draft, note) } else { Next::Again(draft, note) }
}

fn place(piece: &str) -> Option<Department> {
    let piece = piece
        .trim_start_matches("departement ")
        .trim_start_matches("le ")
        .trim_start_matches("la ")
        .trim_start_matches("l'");
    Department::parse(piece).or_else(|| {
        let rules = Rules::embedded();
        rules.departments().find(|(_, name)| folded(name) == piece).and_then(|(code, _)| Department::parse(code))
    })
}

fn places(mut draft: Draft, text: &str, words: &str) -> Next {
    if passes(words) {
        return Next::Ask(Draft { step: Step::Provisions, ..draft }, String::new());
    }
    if matches!(words, "partout" | "france" | "toute la france" | "tous" | "tout") {
        return Next::Ask(Draft { step: Step::Provisions, ..draft.without_places() }, String::new());
    }
    if matches!(words, "effacer" | "vider") {
        return Next::Ask(draft.without_places(), "Liste vidée.".to_owned());
    }
    let (mut unknown, mut understood) = (Vec::new(), false);
    for piece in pieces(text).iter().flat_map(|p| whole_or_words(p)) {
        match add_place(&mut draft, &piece) {
            Ok(()) => understood = true,
            Err(why) => unknown.push(why),
        }
    }
    let note = unknown.into_iter().next().unwrap_or_default();
    if understood { Next::Ask(draft, note) } else { Next::Again(draft, note) }
}

/// Adds a département, a circle or an intercommunality to a draft; or says what is wrong.
fn add_place(draft: &mut Draft, piece: &str) -> Result<(), String> {
    if let Some(department) = place(piece) {
        put(&mut draft.departments, department);
    } else if place_input::speaks_of_distance(piece) {
        put(&mut draft.around, place_input::around(piece).map_err(|e| format!("{}.", capital(&e)))?);
    } else if let Ok(commune) = place_input::commune(piece) {
        return Err(format!(
            "À combien de kilomètres {}\u{202f}? Par exemple «\u{a0}{} 30 km\u{a0}».",
            french::of(commune.name),
            commune.label()
        ));
    } else {
        let epci = place_input::epci(piece).map_err(|e| {
            if e.starts_with("plusieurs") {
                return format!("{}.", capital(&e));
            }
            format!(
                "Je ne connais pas «\u{a0}{}\u{a0}»\u{a0}: donnez un département (59, 2A, 974, Nord), une commune et une distance (Lens 30 km), ou une intercommunalité.",
                short(piece, 40)
            )
        })?;
        put(&mut draft.epcis, epci.siren.to_owned());
    }
    Ok(())
}

fn put<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) && list.len() < MAX_NAMED {
        list.push(value);
    }
}

/// `59 62 80` are three places, `Pas-de-Calais` is one.
fn whole_or_words(piece: &str) -> Vec<String> {
    let words: Vec<&str> = piece.split(' ').collect();
    let codes = words.len() > 1 && words.iter().all(|w| Department::parse(w).is_some());
    if codes { words.into_iter().map(str::to_owned).collect() } else { vec![piece.to_owned()] }
}

const PROVISIONS: [ProvisionKind; 4] = [
    ProvisionKind::Reserved,
    ProvisionKind::ExecutionClause,
    ProvisionKind::AwardCriterion,
    ProvisionKind::InsertionService,
];

fn provision(piece: &str) -> Option<ProvisionKind> {
    PROVISIONS.into_iter().find(|p| folded(provision_label(*p)) == piece).or_else(|| {
        [("reserve", 0), ("clause", 1), ("critere", 2), ("prestation", 3)]
            .into_iter()
            .find(|(word, _)| piece.contains(word))
            .map(|(_, i)| PROVISIONS[i])
    })
}

fn provisions(mut draft: Draft, text: &str, words: &str) -> Next {
    if passes(words) {
        return Next::Ask(Draft { step: Step::Rhythm, ..draft }, String::new());
    }
    if matches!(words, "tout" | "tous" | "toutes" | "peu importe") {
        return Next::Ask(Draft { step: Step::Rhythm, provisions: Vec::new(), ..draft }, String::new());
    }
    let found: Vec<ProvisionKind> = pieces(text).iter().filter_map(|p| provision(p)).collect();
    if found.is_empty() {
        return Next::Again(draft, "Choisissez dans la liste, ou «\u{a0}tout\u{a0}».".to_owned());
    }
    for kind in found {
        // Input twice, it goes.
        match draft.provisions.iter().position(|p| *p == kind) {
            Some(i) => drop(draft.provisions.remove(i)),
            None => draft.provisions.push(kind),
        }
    }
    Next::Ask(draft, String::new())
}

const RHYTHMS: [(&str, Cadence); 4] = [
    ("Automatique", Cadence::Auto),
    ("Tout de suite", Cadence::Instant),
    ("Chaque jour", Cadence::Daily),
    ("Chaque semaine", Cadence::Weekly),
];

fn rhythm(draft: Draft, words: &str) -> Next {
    let cadence = match words {
        "auto" => Some(Cadence::Auto),
        "immediat" | "instantane" => Some(Cadence::Instant),
        "jour" | "par jour" | "quotidien" | "un resume par jour" => Some(Cadence::Daily),
        "semaine" | "par semaine" | "hebdomadaire" | "un resume par semaine" => Some(Cadence::Weekly),
        words => RHYTHMS.iter().find(|(label, _)| folded(label) == words).map(|(_, c)| *c),
    };
    match cadence {
        Some(cadence) => Next::Ask(Draft { step: Step::Confirm, cadence: Some(cadence), ..draft }, String::new()),
        None => Next::Again(draft, "Choisissez un rythme dans la liste.".to_owned()),
    }
}

/// Other conditions, a line each.
fn refined(mut draft: Draft, text: &str, words: &str) -> Next {
    if passes(words) {
        return Next::Ask(Draft { step: Step::Confirm, ..draft }, String::new());
    }
    if matches!(words, "effacer" | "vider") {
        draft.more = Filter::default();
        return Next::Ask(draft, "Conditions retirées.".to_owned());
    }
    let (mut unknown, mut understood) = (None, false);
    for line in text.split(['\n', ';']).map(str::trim).filter(|l| !l.is_empty()).take(MAX_PIECES) {
        match refine::add(&draft.more, line) {
            Some(more) => {
                understood = true;
                draft.more = more;
            }
            None => unknown = unknown.or(Some(line)),
        }
    }
    let note = unknown.map(|line| {
        format!("Je ne lis pas «\u{a0}{}\u{a0}»\u{a0}: prenez une des formes ci-dessous.", short(line, 40))
    });
    match note {
        None if understood => Next::Ask(draft, String::new()),
        Some(note) if understood => Next::Ask(draft, note),
        note => Next::Again(
            draft,
            note.unwrap_or_else(|| "Écrivez une condition par ligne, ou «\u{a0}continuer\u{a0}».".to_owned()),
        ),
    }
}

fn confirm(draft: Draft, words: &str) -> Next {
    match words {
        "affiner" | "preciser" | "plus precis" => Next::Ask(Draft { step: Step::Refine, ..draft }, String::new()),
        "oui" | "je m'abonne" | "ok" | "confirmer" | "c'est bon" => Next::Save(draft),
        "non" => Next::Cancelled,
        _ => Next::Again(
            draft,
            "Répondez «\u{a0}je m’abonne\u{a0}», «\u{a0}retour\u{a0}» ou «\u{a0}annuler\u{a0}».".to_owned(),
        ),
    }
}

/// What can be added, in the words that [`refine`] reads.
const REFINE: &str = "Une autre condition\u{202f}? Écrivez-en une par ligne\u{a0}:
• mots\u{a0}: linge, pressing – ou\u{a0}: sans amiante
• CPV 9091
• acheteur, ou sauf acheteur, et son SIRET
• acheteurs\u{a0}: communes, hôpitaux, bailleurs, privés…
• nature\u{a0}: appels d’offres, projets d’achat, attributions…
• mode\u{a0}: service, biens ou personnel
• de 20\u{202f}000 à 90\u{202f}000\u{a0}€
• au moins 10 jours (pour répondre)
Puis «\u{a0}continuer\u{a0}».";

/// The question that waits, and its buttons. `preview` says what it would have given, at the last one.
#[must_use]
pub fn question(draft: &Draft, preview: &str) -> (String, Vec<Vec<Button>>) {
    let step = draft.step.as_str();
    let button = |label: &str| action::answer(label, step, label);
    let row = |labels: &[&str]| labels.iter().map(|l| button(l)).collect::<Vec<_>>();
    let kept = |mut names: Vec<String>| {
        let more = names.len().saturating_sub(MAX_SHOWN);
        names.truncate(MAX_SHOWN);
        let others = if more > 0 { format!(" et {more} de plus") } else { String::new() };
        if names.is_empty() { String::new() } else { format!("\nRetenu\u{a0}: {}{others}.", names.join(", ")) }
    };
    let rules = Rules::embedded();
    let (text, mut rows) = match draft.step {
        Step::Siret => (
            "Quel est le SIRET de votre structure\u{202f}? Il me donne ses métiers et son territoire. Sans SIRET\u{a0}: «\u{a0}à la main\u{a0}».".to_owned(),
            vec![row(&["À la main"])],
        ),
        Step::Known => (
            format!(
                "{}{}, est-ce bien votre structure\u{202f}?",
                short(&draft.name, 80),
                draft.kind.map(|k| format!(" ({})", k.acronym())).unwrap_or_default()
            ),
            vec![row(&["Oui", "Non"])],
        ),
        Step::Kind => (
            "Quelle sorte de structure êtes-vous\u{202f}?".to_owned(),
            vec![row(&["EI", "AI", "ACI", "ETTI"]), row(&["EA", "EATT", "ESAT", "GEIQ"]), row(&["EITI", "SEP", "Autre"])],
        ),
        Step::Sectors => {
            let names = draft.sectors.iter().map(|s| rules.sector_label(s).to_owned()).collect();
            let mut rows: Vec<Vec<Button>> = draft
                .choices
                .iter()
                .enumerate()
                .map(|(i, s)| vec![action::answer(&short(rules.sector_label(s), 48), step, &(i + 1).to_string())])
                .collect();
            rows.push(if draft.sectors.is_empty() { row(&["Tous"]) } else { row(&["Continuer", "Vider"]) });
            let choose = if draft.choices.is_empty() { "" } else { "\nPrécisez\u{a0}:" };
            (format!("Quels métiers\u{202f}? Écrivez-les, par exemple «\u{a0}nettoyage, espaces verts\u{a0}».{}{choose}", kept(names)), rows)
        }
        Step::Places => {
            let rows = vec![if draft.is_everywhere() { row(&["Partout"]) } else { row(&["Continuer", "Vider"]) }];
            (format!("Où travaillez-vous\u{202f}? Des départements («\u{a0}59, 62\u{a0}» ou «\u{a0}Nord\u{a0}»), une commune et une distance («\u{a0}Lens 30 km\u{a0}»), une intercommunalité.{}", kept(criteria::places(&draft.filter()))), rows)
        }
        Step::Provisions => {
            let names = draft.provisions.iter().map(|p| provision_label(*p).to_owned()).collect();
            let mut rows: Vec<Vec<Button>> =
                PROVISIONS.chunks(2).map(|pair| pair.iter().map(|p| button(provision_label(*p))).collect()).collect();
            rows.push(if draft.provisions.is_empty() { row(&["Tout"]) } else { row(&["Continuer"]) });
            (format!("Quelles dispositions sociales\u{202f}? «\u{a0}Tout\u{a0}» prend aussi les marchés sans clause.{}", kept(names)), rows)
        }
        Step::Rhythm => (
            "À quel rythme\u{202f}? «\u{a0}Automatique\u{a0}»\u{a0}: un résumé par jour, et tout de suite ce qui vous est réservé ou presse.".to_owned(),
            vec![row(&["Automatique", "Tout de suite"]), row(&["Chaque jour", "Chaque semaine"])],
        ),
        Step::Confirm => (
            format!(
                "Votre abonnement\u{a0}: {}\nRythme\u{a0}: {}.\n{preview}\nC’est bien cela\u{202f}?",
                criteria::in_french(&draft.filter()),
                draft.cadence.unwrap_or_default().in_french()
            ),
            vec![row(&["Je m’abonne", "Affiner"])],
        ),
        Step::Refine => {
            let more = if draft.more == Filter::default() { Vec::new() } else { vec![criteria::in_french(&draft.more)] };
            let rows = vec![if more.is_empty() { row(&["Continuer"]) } else { row(&["Continuer", "Vider"]) }];
            (format!("{REFINE}{}", kept(more)), rows)
        }
    };
    let mut last = if draft.step == Step::Siret { Vec::new() } else { row(&["Retour"]) };
    last.push(button("Annuler"));
    rows.push(last);
    (text, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> Draft {
        begin(Role::Structure, &Profile::default())
    }

    fn at(step: Step) -> Draft {
        Draft { step, ..start() }
    }

    fn asks(next: Next) -> (Draft, String) {
        match next {
            Next::Ask(draft, note) => (draft, note),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn by_hand_from_the_first_question_to_the_last() {
        let mut draft = start();
        for (said, step) in [
            ("à la main", Step::Kind),
            ("EA", Step::Sectors),
            ("Blanchisserie", Step::Sectors),
            ("continuer", Step::Places),
            ("59, Pas-de-Calais", Step::Places),
            ("suite", Step::Provisions),
            ("marché réservé", Step::Provisions),
            ("Continuer", Step::Rhythm),
            ("Automatique", Step::Confirm),
        ] {
            let (after, note) = asks(next(draft, said));
            assert_eq!((after.step, note.as_str()), (step, ""), "{said}");
            assert!(question(&after, "").1.iter().flatten().count() >= 2);
            draft = after;
        }
        let Next::Save(done) = next(draft, "Je m’abonne !") else { panic!("kept") };
        let filter = done.filter();
        assert_eq!((filter.sectors.len(), filter.departments.len(), done.kind), (1, 2, Some(StructureKind::Ea)));
        assert_eq!((filter.provisions, done.cadence), (vec![ProvisionKind::Reserved], Some(Cadence::Auto)));
    }

    #[test]
    fn state_by_said() {
        // (where it stands, what is said, where it stands then; none = the same question again)
        let table: &[(Step, &str, Option<Step>)] = &[
            (Step::Siret, "bonjour", None),
            (Step::Siret, "123", None),
            (Step::Siret, "🎉🎉🎉", None),
            (Step::Siret, "sans SIRET", Some(Step::Kind)),
            (Step::Known, "Oui", Some(Step::Sectors)),
            (Step::Known, "non", Some(Step::Siret)),
            (Step::Known, "peut-être", None),
            (Step::Kind, "ea", Some(Step::Sectors)),
            (Step::Kind, "SARL", None),
            (Step::Kind, "autre", Some(Step::Sectors)),
            (Step::Sectors, "zzz", None),
            (Step::Sectors, "tous", Some(Step::Places)),
            (Step::Sectors, "retour", Some(Step::Kind)),
            (Step::Places, "999", None),
            (Step::Places, "2a", Some(Step::Places)),
            (Step::Places, "59 62 80", Some(Step::Places)),
            (Step::Places, "partout", Some(Step::Provisions)),
            (Step::Places, "30 km autour de Lens", Some(Step::Places)),
            (Step::Places, "CA de Lens - Liévin, Nord", Some(Step::Places)),
            (Step::Places, "Lens", None),
            (Step::Places, "Saint-Denis 10 km", None),
            (Step::Places, "Lens 900 km", None),
            (Step::Places, "\u{202e}droN\u{202c}", None),
            (Step::Provisions, "clause", Some(Step::Provisions)),
            (Step::Provisions, "tout", Some(Step::Rhythm)),
            (Step::Provisions, "rien", None),
            (Step::Rhythm, "chaque jour", Some(Step::Confirm)),
            (Step::Rhythm, "quand vous voulez", None),
            (Step::Confirm, "hein ?", None),
            (Step::Confirm, "retour", Some(Step::Rhythm)),
            (Step::Confirm, "Affiner", Some(Step::Refine)),
            (Step::Refine, "mots : linge\nmoins de 90 000 €", Some(Step::Refine)),
            (Step::Refine, "n’importe quoi", None),
            (Step::Refine, "", None),
            (Step::Refine, "continuer", Some(Step::Confirm)),
            (Step::Refine, "retour", Some(Step::Confirm)),
        ];
        for (step, said, wanted) in table {
            match (next(at(*step), said), wanted) {
                (Next::Ask(draft, _), Some(wanted)) => assert_eq!(draft.step, *wanted, "{step:?} {said}"),
                (Next::Again(draft, note), None) => {
                    assert!(draft.step == *step && !note.is_empty(), "{step:?} {said}: {note}");
                }
                (other, _) => panic!("{step:?} {said}: {other:?}"),
            }
        }
        for step in [
            Step::Siret,
            Step::Kind,
            Step::Sectors,
            Step::Places,
            Step::Provisions,
            Step::Rhythm,
            Step::Confirm,
            Step::Refine,
        ] {
            assert_eq!(next(at(step), " ANNULER "), Next::Cancelled, "{step:?}");
        }
    }

    #[test]
    fn places_and_other_conditions_end_up_in_the_filter() {
        let (draft, note) = asks(next(at(Step::Places), "Nord, Lens 30 km, CA de Lens - Liévin, Atlantis"));
        assert!(note.contains("atlantis"), "{note}");
        let (text, _) = question(&draft, "");
        assert!(
            text.contains("Retenu\u{a0}: Nord (59), CA de Lens - Liévin, 30\u{a0}km autour de Lens (62)."),
            "{text}"
        );
        let (again, _) = asks(next(draft, "lens 30 km"));
        let draft = Draft { step: Step::Refine, ..again };
        let (draft, note) = asks(next(draft, "mots : linge, draps\nCPV 9831 ; acheteurs : hôpitaux\nblabla"));
        assert!(note.contains("blabla"), "{note}");
        let filter = draft.filter();
        assert_eq!((filter.departments.len(), filter.epcis.len(), filter.around.len()), (1, 1, 1));
        assert_eq!((filter.words.len(), &filter.cpv[..]), (2, &["9831".to_owned()][..]));
        assert!(question(&draft, "").0.contains("«\u{a0}linge\u{a0}» ou «\u{a0}draps\u{a0}»"));
        let (bare, _) = asks(next(draft, "vider"));
        assert_eq!(bare.more, Filter::default());
        let (everywhere, _) = asks(next(Draft { step: Step::Places, ..bare }, "partout"));
        assert!(everywhere.is_everywhere());
    }

    #[test]
    fn a_siret_is_looked_up_and_an_unknown_one_goes_on_by_hand() {
        let Next::LookUp(draft, siret) =
            next(start(), "213 505 901 000 17".replace("213 505 901 000 17", "215 903 501 000 17").as_str())
        else {
            panic!("looked up")
        };
        assert_eq!(siret, "21590350100017");
        let structure = Structure {
            siret: siret.clone(),
            name: "EA du Nord".into(),
            kind: StructureKind::Ea,
            sectors: vec!["blanchisserie".into()],
            departments: Department::parse("59").into_iter().collect(),
        };
        let (known, _) = asks(found(draft.clone(), &siret, Some(structure)));
        assert!(question(&known, "").0.contains("EA du Nord (EA)"));
        let (by_hand, note) = asks(found(draft, &siret, None));
        assert!(by_hand.step == Step::Kind && note.contains("21590350100017"));
    }

    #[test]
    fn a_word_of_many_trades_is_narrowed_by_a_button() {
        let (draft, _) = asks(next(at(Step::Sectors), "entretien"));
        assert!(draft.sectors.is_empty() && draft.choices.len() > 1);
        let (text, rows) = question(&draft, "");
        assert!(text.contains("Précisez") && rows.len() >= draft.choices.len());
        let wanted = draft.choices[1].clone();
        let (chosen, _) = asks(next(draft, "2"));
        assert_eq!((chosen.sectors, chosen.choices.len()), (vec![wanted], 0));
    }

    proptest::proptest! {
        /// Whatever is said, the dialogue goes on, and what it shows is bounded.
        #[test]
        fn nothing_said_breaks_the_dialogue(answers in proptest::collection::vec("\\PC{0,60}|oui|suite|59|EA|retour|entretien|tout|Lens 30 km|affiner|mots : \\PC{0,20}", 0..20)) {
            let mut draft = start();
            for said in &answers {
                draft = match next(draft, said) {
                    Next::Ask(draft, note) | Next::Again(draft, note) => {
                        proptest::prop_assert!(note.chars().count() < 300);
                        draft
                    }
                    Next::LookUp(draft, siret) => asks(found(draft, &siret, None)).0,
                    Next::Save(draft) => draft,
                    Next::Cancelled => start(),
                };
                let (text, rows) = question(&draft, "");
                proptest::prop_assert!(text.chars().count() < 4000 && rows.len() < 14);
                let text = serde_json::to_string(&draft).unwrap();
                let back: Draft = serde_json::from_str(&text).unwrap();
                proptest::prop_assert_eq!(&back, &draft);
            }
        }
    }
}
