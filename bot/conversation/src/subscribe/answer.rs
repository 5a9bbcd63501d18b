//! How the answer to each question is read. Pure.

use vigie_config::rules::Rules;
use vigie_domain::directory::Structure;
use vigie_domain::{Buyer, Cadence, Department, Filter, ProvisionKind, Sector, StructureKind, french};
use vigie_notifier::card::{provision_label, short};

use vigie_domain::french::capital;
use vigie_service::answers::action::folded;
use vigie_service::breadth::Way;
use vigie_service::{place_input, subscriptions};

use super::refine;

use super::draft::{Draft, Next, Step, Unsettled};

/// Pieces of one answer.
const MAX_PIECES: usize = 30;
/// Sectors that one word may add; more are offered to choose from.
const MAX_ADDED: usize = 3;
/// Choices offered.
const MAX_CHOICES: usize = 8;
/// Most trades that wait for what they mean, and the longest word of them kept, in characters.
const MAX_UNSETTLED: usize = 8;
const MAX_WORD: usize = 60;
/// Sectors or départements one subscription may name here.
const MAX_NAMED: usize = 60;

pub(super) fn passes(words: &str) -> bool {
    matches!(words, "suite" | "continuer" | "passer" | "ok" | "oui" | "c'est tout" | "garder" | "suivant" | "non")
}

pub(super) fn siret(draft: Draft, text: &str, words: &str) -> Next {
    if matches!(words, "a la main" | "sans siret" | "je ne sais pas" | "passer" | "non" | "aucun") {
        return Next::Ask(Draft { step: Step::Kind, ..draft }, String::new());
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    if digits.is_empty() {
        return Next::Again(draft, "J’attends les quatorze chiffres du SIRET, ou « à la main ».".to_owned());
    }
    match Buyer::clean_siret(&digits).filter(|n| n.len() == 14) {
        Some(siret) => Next::LookUp(draft, siret),
        None => Next::Again(
            draft,
            format!(
                "{} chiffres ne font pas un SIRET : il en a quatorze. Vérifiez-le, ou dites « à la main ».",
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
        None if !Buyer::has_key(siret) => Next::Again(
            draft,
            format!("{siret} comporte une faute de frappe : vérifiez ses chiffres, ou dites « à la main »."),
        ),
        None => Next::Ask(
            Draft { step: Step::Kind, ..draft },
            format!("Je ne trouve pas {siret} dans l’annuaire. Continuons à la main."),
        ),
    }
}

pub(super) fn known(draft: Draft, words: &str) -> Next {
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
        _ => Next::Again(draft, "Répondez « oui » ou « non ».".to_owned()),
    }
}

pub(super) fn kind(draft: Draft, words: &str) -> Next {
    if matches!(words, "autre" | "aucun" | "passer" | "je ne sais pas") {
        return Next::Ask(Draft { step: Step::Sectors, kind: None, ..draft }, String::new());
    }
    match StructureKind::parse(words) {
        Some(kind) => Next::Ask(Draft { step: Step::Sectors, kind: Some(kind), ..draft }, String::new()),
        None => Next::Again(
            draft,
            "Je connais EI, AI, ACI, ETTI, EITI, GEIQ, EA, EATT, ESAT et SEP ; sinon, « autre ».".to_owned(),
        ),
    }
}

/// Pieces of an answer: between commas, line ends, « et », « ou ».
pub(super) fn pieces(text: &str) -> Vec<String> {
    let lined = text.replace([',', ';', '/', '\n', '•'], "\u{1}").replace(" et ", "\u{1}").replace(" ou ", "\u{1}");
    lined.split('\u{1}').map(folded).filter(|p| !p.is_empty()).take(MAX_PIECES).collect()
}

/// What a word says of the trades.
pub(super) enum Trades {
    These(Vec<Sector>),
    Choose(Vec<Sector>),
    None,
}

pub(super) fn trades(piece: &str, choices: &[Sector]) -> Trades {
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

pub(super) fn sectors(mut draft: Draft, text: &str, words: &str) -> Next {
    if let Some(first) = draft.unsettled.first().cloned() {
        // Of a word that nobody knows the nearest trade is only proposed: they were told, and may go on.
        let proposed = first.choices.len() == 1;
        match words {
            "laisser" | "laisser de cote" | "aucun" | "aucune" | "non" => {
                draft.unsettled.remove(0);
                return Next::Ask(draft, String::new());
            }
            words if proposed && (passes(words) || words == "tous") => drop(draft.unsettled.remove(0)),
            "tous ceux-la" | "toutes" | "tous" => {
                draft.unsettled.remove(0);
                first.choices.into_iter().for_each(|sector| put(&mut draft.sectors, sector));
                return Next::Ask(draft, String::new());
            }
            _ => {}
        }
    }
    if passes(words) {
        if let Some(left) = draft.unsettled.first() {
            let note = format!("Il reste « {} » à préciser, ou à laisser.", short(&left.word, 40));
            return Next::Again(draft, note);
        }
        return Next::Ask(Draft { step: draft.onward(Step::Places), ..draft }, String::new());
    }
    if matches!(words, "tous" | "tous les metiers" | "tout") {
        return Next::Ask(
            Draft { step: draft.onward(Step::Places), sectors: Vec::new(), unsettled: Vec::new(), ..draft },
            String::new(),
        );
    }
    if matches!(words, "effacer" | "vider") {
        draft.sectors.clear();
        draft.unsettled.clear();
        return Next::Ask(draft, "Liste vidée.".to_owned());
    }
    let (mut unknown, mut understood, mut settled) = (Vec::new(), false, false);
    let offered = draft.choices().to_vec();
    for piece in pieces(text) {
        match trades(&piece, &offered) {
            Trades::These(found) => {
                understood = true;
                settled |= found.iter().any(|sector| offered.contains(sector));
                found.into_iter().for_each(|sector| put(&mut draft.sectors, sector));
            }
            Trades::Choose(choices) => {
                understood = true;
                wait_for(&mut draft, piece, choices);
            }
            Trades::None => unknown.push(piece),
        }
    }
    if settled {
        draft.unsettled.remove(0);
    }
    let mut note = String::new();
    if let Some(first) = unknown.first() {
        let rules = Rules::embedded();
        let near = rules.nearest_sector(&first.replace(' ', "-")).to_owned();
        note = format!("Je ne connais pas « {} ».", short(first, 40));
        if !near.is_empty() && draft.unsettled.is_empty() {
            note.push_str(" Le plus proche est proposé ci-dessous.");
            wait_for(&mut draft, first.clone(), vec![near]);
        }
    }
    if understood { Next::Ask(draft, note) } else { Next::Again(draft, note) }
}

/// A trade waits for what it means, once.
fn wait_for(draft: &mut Draft, word: String, choices: Vec<Sector>) {
    if draft.unsettled.len() < MAX_UNSETTLED && !draft.unsettled.iter().any(|u| u.word == word) {
        draft.unsettled.push(Unsettled { word: short(&word, MAX_WORD), choices });
    }
}

pub(super) fn place(piece: &str) -> Option<Department> {
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

pub(super) fn places(mut draft: Draft, text: &str, words: &str) -> Next {
    if let Some(commune) = draft.distance_of.clone() {
        if let Some(km) = distance(words) {
            return match place_input::around(&format!("{commune} {km} km")) {
                Ok(circle) => {
                    draft.distance_of = None;
                    put(&mut draft.around, circle);
                    Next::Ask(draft, String::new())
                }
                Err(why) => Next::Again(draft, format!("{}.", capital(&why))),
            };
        }
        if passes(words) {
            let note = how_far(&commune);
            return Next::Again(draft, note);
        }
    }
    if passes(words) {
        if draft.is_everywhere() {
            return Next::Again(draft, "Dites où, ou « Partout » pour toute la France.".to_owned());
        }
        return Next::Ask(Draft { step: draft.onward(Step::Provisions), ..draft }, String::new());
    }
    if matches!(words, "partout" | "france" | "toute la france" | "tous" | "tout") {
        return Next::Ask(Draft { step: draft.onward(Step::Provisions), ..draft.without_places() }, String::new());
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
    // What waits for its distance comes last, so that the answer is to it.
    let asked = draft.distance_of.as_deref().map(how_far);
    understood |= asked.is_some();
    let note = asked.or(unknown.into_iter().next()).unwrap_or_default();
    if understood { Next::Ask(draft, note) } else { Next::Again(draft, note) }
}

fn how_far(commune: &str) -> String {
    let name = commune.split(" (").next().unwrap_or(commune);
    format!("À combien de kilomètres {} ? Par exemple « 30 km ».", french::of(name))
}

/// A distance alone, in kilometres: `20 km`, `20`, `dans un rayon de 20 kilomètres`.
fn distance(words: &str) -> Option<u32> {
    const AROUND: [&str; 14] = [
        "a",
        "km",
        "kms",
        "kilometre",
        "kilometres",
        "dans",
        "un",
        "rayon",
        "de",
        "moins",
        "environ",
        "autour",
        "max",
        "maximum",
    ];
    let spaced = words.replace("km", " km ");
    let mut rest = spaced.split_whitespace().filter(|w| !AROUND.contains(w));
    let number = rest.next()?.parse().ok()?;
    rest.next().is_none().then_some(number)
}

/// Adds a département, a circle or an intercommunality to a draft, or the commune whose distance is to be asked; or says what is
/// wrong.
pub(super) fn add_place(draft: &mut Draft, piece: &str) -> Result<(), String> {
    // A code may mean two départements, and the island both.
    let corsica = piece.trim_start_matches("la ") == "corse";
    if let several @ [_, _, ..] = Department::written(if corsica { "20" } else { piece }).as_slice() {
        several.iter().for_each(|d| put(&mut draft.departments, d.clone()));
    } else if let Some(department) = place(piece) {
        put(&mut draft.departments, department);
    } else if place_input::speaks_of_distance(piece) {
        put(&mut draft.around, place_input::around(piece).map_err(|e| format!("{}.", capital(&e)))?);
        draft.distance_of = None;
    } else if let Ok(commune) = place_input::commune(piece) {
        draft.distance_of = Some(commune.label());
    } else {
        let epci = place_input::epci(piece).map_err(|e| {
            if e.starts_with("plusieurs") {
                return format!("{}.", capital(&e));
            }
            format!(
                "Je ne connais pas « {} » : donnez un département (59, 2A, 974, Nord), une commune et une distance (Lens 30 km), ou une intercommunalité.",
                short(piece, 40)
            )
        })?;
        put(&mut draft.epcis, epci.siren.to_owned());
    }
    Ok(())
}

pub(super) fn put<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) && list.len() < MAX_NAMED {
        list.push(value);
    }
}

/// `59 62 80` are three places, `Pas-de-Calais` is one.
pub(super) fn whole_or_words(piece: &str) -> Vec<String> {
    let words: Vec<&str> = piece.split(' ').collect();
    let codes = words.len() > 1 && words.iter().all(|w| Department::parse(w).is_some());
    if codes { words.into_iter().map(str::to_owned).collect() } else { vec![piece.to_owned()] }
}

pub(super) const PROVISIONS: [ProvisionKind; 4] = [
    ProvisionKind::Reserved,
    ProvisionKind::ExecutionClause,
    ProvisionKind::AwardCriterion,
    ProvisionKind::InsertionService,
];

pub(super) fn provision(piece: &str) -> Option<ProvisionKind> {
    PROVISIONS.into_iter().find(|p| folded(provision_label(*p)) == piece).or_else(|| {
        [("reserve", 0), ("clause", 1), ("critere", 2), ("prestation", 3)]
            .into_iter()
            .find(|(word, _)| piece.contains(word))
            .map(|(_, i)| PROVISIONS[i])
    })
}

pub(super) fn provisions(mut draft: Draft, text: &str, words: &str) -> Next {
    if passes(words) {
        return Next::Ask(Draft { step: draft.onward(Step::Rhythm), ..draft }, String::new());
    }
    if matches!(words, "tout" | "tous" | "toutes" | "peu importe") {
        return Next::Ask(Draft { step: draft.onward(Step::Rhythm), provisions: Vec::new(), ..draft }, String::new());
    }
    let found: Vec<ProvisionKind> = pieces(text).iter().filter_map(|p| provision(p)).collect();
    if found.is_empty() {
        return Next::Again(draft, "Choisissez dans la liste, ou « tout ».".to_owned());
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

const RHYTHMS: [(&str, Cadence); 5] = [
    ("Automatique", Cadence::Auto),
    ("Réservés tout de suite", Cadence::Reserved),
    ("Tout de suite", Cadence::Instant),
    ("Chaque jour", Cadence::Daily),
    ("Chaque semaine", Cadence::Weekly),
];

pub(super) fn rhythm(draft: Draft, words: &str) -> Next {
    let cadence = match words {
        "auto" => Some(Cadence::Auto),
        "reserves" | "les reserves tout de suite" | "seulement les reserves tout de suite" => Some(Cadence::Reserved),
        "immediat" | "instantane" => Some(Cadence::Instant),
        "jour" | "par jour" | "quotidien" | "un resume par jour" => Some(Cadence::Daily),
        "semaine" | "par semaine" | "hebdomadaire" | "un resume par semaine" => Some(Cadence::Weekly),
        words => {
            RHYTHMS.iter().find(|(label, _)| folded(label) == words).map(|(_, c)| *c).or_else(|| words.parse().ok())
        }
    };
    match cadence {
        Some(cadence) => Next::Ask(Draft { step: Step::Confirm, cadence: Some(cadence), ..draft }, String::new()),
        None => Next::Again(draft, "Choisissez un rythme dans la liste.".to_owned()),
    }
}

/// Other conditions, a line each.
pub(super) fn refined(mut draft: Draft, text: &str, words: &str) -> Next {
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
    let note = unknown.map(|line| format!("Je ne lis pas « {} » : prenez une des formes ci-dessous.", short(line, 40)));
    match note {
        None if understood => Next::Ask(draft, String::new()),
        Some(note) if understood => Next::Ask(draft, note),
        note => {
            Next::Again(draft, note.unwrap_or_else(|| "Écrivez une condition par ligne, ou « continuer ».".to_owned()))
        }
    }
}

pub(super) fn confirm(draft: Draft, words: &str) -> Next {
    if draft.changes.is_some()
        && let Some(step) = part(words)
    {
        return Next::Ask(Draft { step, ..draft }, String::new());
    }
    if let Some(way) = chosen_way(&draft, words).cloned() {
        return Next::Ask(draft.asking(&way.filter), String::new());
    }
    match words {
        "affiner" | "preciser" | "plus precis" => Next::Ask(Draft { step: Step::Refine, ..draft }, String::new()),
        "oui" | "je m'abonne" | "enregistrer" | "enregistrer quand meme" | "ok" | "confirmer" | "c'est bon" => Next::Save(draft),
        "non" => Next::Cancelled,
        _ if draft.changes.is_some() => Next::Again(
            draft,
            "Dites ce qui change : « métiers », « lieux », « dispositions », « rythme », « affiner » ou « nommer » ; puis « enregistrer »."
                .to_owned(),
        ),
        _ => Next::Again(draft, "Répondez « je m’abonne », « retour » ou « annuler ».".to_owned()),
    }
}

/// The change that somebody takes of those that were proposed: by the word of its button, or by what it says.
fn chosen_way<'d>(draft: &'d Draft, words: &str) -> Option<&'d Way> {
    let ways = draft.ways.iter().enumerate();
    ways.into_iter().find(|(n, way)| words == format!("voie {}", n + 1) || words == folded(&way.label)).map(|(_, w)| w)
}

/// The part of a subscription that is to be changed.
fn part(words: &str) -> Option<Step> {
    Some(match words {
        "metiers" | "metier" | "quoi" => Step::Sectors,
        "lieux" | "lieu" | "ou" | "departements" => Step::Places,
        "dispositions" | "disposition" | "clauses" => Step::Provisions,
        "rythme" | "quand" => Step::Rhythm,
        "nommer" | "nom" => Step::Name,
        _ => return None,
    })
}

/// How it is to be called.
pub(super) fn named(draft: Draft, text: &str, words: &str) -> Next {
    let title = match words {
        "" => return Next::Again(draft, "Écrivez un nom court, ou « sans nom ».".to_owned()),
        "sans nom" | "aucun" | "vider" => String::new(),
        _ => short(text.trim(), subscriptions::MAX_NAME),
    };
    Next::Ask(Draft { step: Step::Confirm, title, ..draft }, String::new())
}
