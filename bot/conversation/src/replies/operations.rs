//! `/operations`: what a facilitator's organisation follows; one of them; a note; an alert that becomes one.

use vigie_domain::operation::{MAX_LINE, Operation};
use vigie_domain::{Permission, french};
use vigie_notifier::card::short;
use vigie_notifier::chat::{Button, ButtonAction};
use vigie_service::Failure;
use vigie_service::answers::action::{self, folded};
use vigie_service::operations::{self, MAX_NOTE, Overview, letter};

use crate::Reply;

use super::{Asker, MAX_LISTED, one, unread, word};

const NOT_YOURS: &str = "Les opérations sont pour les facilitateurs. /aide montre vos commandes.";
const NONE: &str = "Votre organisation ne suit aucune opération encore. En réponse à une alerte, « /operations suivre » en fait une ; sur les pages, « Opérations ».";
const UNKNOWN: &str = "Je ne trouve pas cette opération. /operations montre les vôtres.";
const WHICH_ALERT: &str =
    "Répondez « /operations suivre » sous l’alerte du marché, ou donnez son numéro : /operations suivre 26-12345.";
const HOW_NOTE: &str = "Pour noter : /operations note, la référence, deux-points, puis la note. Par exemple : /operations note 2027-001 : titulaire rappelé.";

/// What is asked for behind `/operations`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted<'a> {
    List,
    /// A notice becomes an operation; empty = the one under which it is said.
    Follow(&'a str),
    /// A note on the operation of that reference.
    Note(&'a str, &'a str),
    NoteUnclear,
    One(&'a str),
}

fn wanted(text: &str) -> Wanted<'_> {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    match folded(first).as_str() {
        "" => Wanted::List,
        "suivre" => Wanted::Follow(rest),
        "note" | "noter" => match rest.split_once(':') {
            Some((reference, note)) if !reference.trim().is_empty() && !note.trim().is_empty() => {
                Wanted::Note(reference.trim(), note.trim())
            }
            _ => Wanted::NoteUnclear,
        },
        _ => Wanted::One(text),
    }
}

impl Asker<'_> {
    /// Answers `/operations`.
    pub(super) async fn operations(&self, text: &str, about: Option<&str>) -> Result<Vec<Reply>, Failure> {
        if !self.person.role.may(Permission::FollowOperations) {
            return Ok(word(NOT_YOURS));
        }
        match wanted(text) {
            Wanted::List => self.list_operations().await,
            Wanted::Follow(number) => self.follow_operation(number, about).await,
            Wanted::NoteUnclear => Ok(word(HOW_NOTE)),
            Wanted::Note(reference, note) => self.note_operation(reference, note).await,
            Wanted::One(text) => self.one_operation(text).await,
        }
    }

    async fn list_operations(&self) -> Result<Vec<Reply>, Failure> {
        let mut all = operations::overviews(self.service, self.person.structure()).await?;
        if all.is_empty() {
            return Ok(word(NONE));
        }
        all.retain(|o| o.operation.state.is_open());
        let far = chrono::NaiveDate::MAX;
        all.sort_by_key(|o| (o.operation.next_on.unwrap_or(far), o.operation.reference.clone()));
        let mut lines = vec![format!("{} en cours :", french::plural(all.len(), "opération"))];
        lines.extend(all.iter().take(MAX_LISTED).map(|o| format!("• {}", line(o))));
        if all.len() > MAX_LISTED {
            lines.push(format!("et {} de plus sur la page.", all.len() - MAX_LISTED));
        }
        lines.push("Une seule : /operations et sa référence.".to_owned());
        Ok(one(lines.join("\n"), self.page_button("").into_iter().collect()))
    }

    async fn one_operation(&self, text: &str) -> Result<Vec<Reply>, Failure> {
        let structure = self.person.structure();
        let found = operations::meant(self.service, structure, text).await?;
        let o = match found.as_slice() {
            [] => return Ok(word(UNKNOWN)),
            [only] => only,
            several => {
                let button = |o: &Operation| {
                    let label = short(&format!("{} – {}", o.reference, o.title), 60);
                    vec![action::command(&label, &format!("/operations {}", o.reference))]
                };
                return Ok(one("Laquelle ?", several.iter().take(8).map(button).collect()));
            }
        };
        let store = &self.service.store;
        let mut lines = vec![
            format!("{} – {}", short(&o.reference, 40), short(&o.title, 160)),
            french::capital(&short(&format!("{}{}", o.state.in_french(), said(", ", &o.buyer)), 200)),
        ];
        if let Some(overview) = operations::overview(self.service, structure, &o.id).await? {
            let t = &overview.totals;
            lines.extend(overview.calibrated.map(|h| format!("Calibrée : {h}\u{a0}heures")));
            if !t.owed.is_none() || !t.done.is_none() || !t.planned.is_none() {
                lines.push(format!("Heures : {} dues, {} prévues, {} réalisées", t.owed, t.planned, t.done));
            }
            if let Some((_, asked)) = letter::asked(self.service, structure, &o.id).await? {
                lines.push(french::capital(&letter::difference(overview.calibrated, &asked)));
            }
        }
        if !o.next_step.is_empty() {
            let day = o.next_on.map(|d| format!(", le {}", french::date(d))).unwrap_or_default();
            lines.push(format!("À faire : {}{day}", short(&o.next_step, 160)));
        }
        lines.extend(Some(&o.in_charge).filter(|n| !n.is_empty()).map(|n| format!("Suivie par {}", short(n, 60))));
        let notes = store.operation_notes(structure, &o.id).await?;
        lines.extend(
            notes
                .iter()
                .take(3)
                .map(|n| format!("« {} » ({}, {})", short(&n.text, 200), short(&n.by, 60), super::day(n.at))),
        );
        Ok(one(lines.join("\n"), self.page_button(&format!("/{}", o.id)).into_iter().collect()))
    }

    async fn note_operation(&self, reference: &str, note: &str) -> Result<Vec<Reply>, Failure> {
        let structure = self.person.structure();
        let Some(o) = self.service.store.operation_of_reference(structure, reference).await? else {
            return Ok(word(UNKNOWN));
        };
        let text: String = note.chars().take(MAX_NOTE).collect();
        let by = short(&self.incoming.sender.name, MAX_LINE - 1);
        self.service.store.put_operation_note((structure, &o.id), &by, &text, self.now).await?;
        Ok(word(format!("C’est noté sur {} – {}, pour vos collègues.", short(&o.reference, 40), short(&o.title, 80))))
    }

    async fn follow_operation(&self, number: &str, about: Option<&str>) -> Result<Vec<Reply>, Failure> {
        let named = Some(number).filter(|n| !n.is_empty());
        let Some(row) = self.meant(named, about).await? else {
            return Ok(named.map_or_else(|| word(WHICH_ALERT), unread));
        };
        let procedure = row.procedure;
        let by = if self.person.name.is_empty() { &self.incoming.sender.name } else { &self.person.name };
        Ok(match operations::follow(self.service, self.person, by, &procedure).await? {
            None => word("Rien de public n’est connu de ce marché : il ne peut pas devenir une opération."),
            Some((o, new)) => {
                let named = format!("{} – {}", short(&o.reference, 40), short(&o.title, 120));
                let said = if new {
                    format!("C’est fait : opération {named}.")
                } else {
                    format!("Vous la suivez déjà : {named}.")
                };
                one(said, self.page_button(&format!("/{}", o.id)).into_iter().collect())
            }
        })
    }

    fn page_button(&self, path: &str) -> Option<Vec<Button>> {
        let home = self.service.home_url()?;
        Some(vec![Button {
            label: "Ouvrir la page".to_owned(),
            action: ButtonAction::Open(format!("{home}operations{path}")),
        }])
    }
}

fn said(before: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{before}{text}") }
}

/// « 2027-001 – Réhabilitation… : en exécution ; 450 heures sur 833 ; le 4 mars 2027, appeler ».
fn line(overview: &Overview) -> String {
    let (o, t) = (&overview.operation, &overview.totals);
    let mut said = vec![format!("{} – {} : {}", short(&o.reference, 40), short(&o.title, 80), o.state.in_french())];
    match (t.done.is_none(), t.owed.is_none()) {
        (true, true) => {}
        (_, true) => said.push(format!("{}\u{a0}heures", t.done)),
        (_, false) => said.push(format!("{}\u{a0}heures sur {}", t.done, t.owed)),
    }
    if !o.next_step.is_empty() {
        let day = o.next_on.map(|d| format!("le {}, ", french::date(d))).unwrap_or_default();
        said.push(format!("{day}{}", short(&o.next_step, 60)));
    }
    said.join(" ; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_the_command_says_what_is_wanted() {
        for (text, meant) in [
            ("", Wanted::List),
            ("suivre", Wanted::Follow("")),
            ("Suivre 26-12345", Wanted::Follow("26-12345")),
            ("note 2027-001 : titulaire rappelé : demain", Wanted::Note("2027-001", "titulaire rappelé : demain")),
            ("note 2027-001", Wanted::NoteUnclear),
            ("école Jaurès", Wanted::One("école Jaurès")),
        ] {
            assert_eq!(wanted(text), meant, "{text}");
        }
    }
}
