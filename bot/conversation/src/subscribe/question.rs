//! What each question says, and its buttons. Pure.

use vigie_config::rules::Rules;
use vigie_domain::Filter;
use vigie_notifier::card::{provision_label, short};
use vigie_notifier::criteria;

use vigie_notifier::chat::Button;
use vigie_service::answers::action::{self};

use super::answer::PROVISIONS;
use super::draft::{Draft, Step};

/// What was kept, named in a question.
const MAX_SHOWN: usize = 20;

/// What can be added, in the words that [`refine`] reads.
const REFINE: &str = "Une autre condition ? Écrivez-en une par ligne :
• mots : linge, pressing – ou : sans amiante
• CPV 9091
• acheteur, ou sauf acheteur, et son SIRET
• acheteurs : communes, hôpitaux, bailleurs, privés…
• nature : avis de marché, projets d’achat, attributions…
• mode : service, biens ou personnel
• de 20\u{202f}000 à 90\u{202f}000 €
• au moins 10 jours (pour répondre)
Puis « continuer ».";

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
        if names.is_empty() { String::new() } else { format!("\nRetenu : {}{others}.", names.join(", ")) }
    };
    let rules = Rules::embedded();
    let (text, mut rows) = match draft.step {
        Step::Siret => (
            "Quel est le SIRET de votre structure ? Il me donne ses métiers et son territoire. Sans SIRET : « à la main ».".to_owned(),
            vec![row(&["À la main"])],
        ),
        Step::Known => (
            format!(
                "{}{}, est-ce bien votre structure ?",
                short(&draft.name, 80),
                draft.kind.map(|k| format!(" ({})", k.acronym())).unwrap_or_default()
            ),
            vec![row(&["Oui", "Non"])],
        ),
        Step::Kind => (
            "Quelle sorte de structure êtes-vous ?".to_owned(),
            vec![row(&["EI", "AI", "ACI", "ETTI"]), row(&["EA", "EATT", "ESAT", "GEIQ"]), row(&["EITI", "SEP", "Autre"])],
        ),
        Step::Sectors => {
            let names = draft.sectors.iter().map(|s| rules.sector_label(s).to_owned()).collect();
            let mut rows: Vec<Vec<Button>> = draft
                .choices()
                .iter()
                .enumerate()
                .map(|(i, s)| vec![action::answer(&short(rules.sector_label(s), 48), step, &(i + 1).to_string())])
                .collect();
            let choose = match draft.unsettled.first() {
                Some(first) if first.choices.len() > 1 => {
                    rows.push(row(&["Tous ceux-là", "Laisser"]));
                    format!("\n« {} » : précisez.", short(&first.word, 40))
                }
                _ => {
                    rows.push(if draft.sectors.is_empty() { row(&["Tous"]) } else { row(&["Continuer", "Vider"]) });
                    String::new()
                }
            };
            (format!("Quels métiers ? Écrivez-les, par exemple « nettoyage, espaces verts ».{}{choose}", kept(names)), rows)
        }
        Step::Places => {
            let rows = vec![if draft.is_everywhere() { row(&["Partout"]) } else { row(&["Continuer", "Vider"]) }];
            (format!("Où travaillez-vous ? Des départements (« 59, 62 » ou « Nord »), une commune et une distance (« Lens 30 km »), une intercommunalité.{}", kept(criteria::places(&draft.filter()))), rows)
        }
        Step::Provisions => {
            let names = draft.provisions.iter().map(|p| provision_label(*p).to_owned()).collect();
            let mut rows: Vec<Vec<Button>> =
                PROVISIONS.chunks(2).map(|pair| pair.iter().map(|p| button(provision_label(*p))).collect()).collect();
            rows.push(if draft.provisions.is_empty() { row(&["Tout"]) } else { row(&["Continuer"]) });
            (format!("Quelles dispositions sociales ? « Tout » prend aussi les marchés sans clause.{}", kept(names)), rows)
        }
        Step::Rhythm => (
            "À quel rythme ? « Automatique » : un résumé par jour, et tout de suite ce qui vous est réservé ou est urgent.".to_owned(),
            vec![row(&["Automatique", "Tout de suite"]), row(&["Chaque jour", "Chaque semaine"])],
        ),
        Step::Confirm if draft.changes.is_some() => (
            format!(
                "{}{}\nRythme : {}.\n{preview}\nQue changer ? Puis « Enregistrer ».",
                if draft.title.is_empty() { String::new() } else { format!("« {} » : ", draft.title) },
                criteria::in_french(&draft.filter()),
                draft.cadence.unwrap_or_default().in_french()
            ),
            vec![
                row(&["Métiers", "Lieux"]),
                row(&["Dispositions", "Rythme"]),
                row(&["Affiner", "Nommer"]),
                row(&["Enregistrer"]),
            ],
        ),
        Step::Name => ("Comment l’appeler ? Un nom court, par exemple « Linge du Nord ».".to_owned(), vec![row(&["Sans nom"])]),
        Step::Confirm => (
            format!(
                "Votre abonnement : {}\nRythme : {}.\n{preview}\nC’est bien cela ?",
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
    if draft.step == Step::Confirm && !draft.ways.is_empty() {
        let ways = draft.ways.iter().enumerate();
        let ways = ways.map(|(n, way)| vec![action::answer(&way.label, step, &format!("voie {}", n + 1))]);
        // What is proposed comes first; what was made is one tap away all the same.
        let anyway = vec![button("Enregistrer quand même")];
        rows.retain(|row| !row.iter().any(|b| b.label == "Enregistrer"));
        rows.iter_mut().for_each(|row| row.retain(|b| b.label != "Je m’abonne"));
        rows = ways.chain([anyway]).chain(rows).collect();
    }
    let first = draft.step == Step::Siret || draft.step == Step::Confirm && draft.changes.is_some();
    let mut last = if first { Vec::new() } else { row(&["Retour"]) };
    last.push(button("Annuler"));
    rows.push(last);
    (text, rows)
}
