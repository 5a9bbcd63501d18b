//! `/operations`: what a facilitator's organisation follows, by condition; one of them; its note, next step, charge and state; purchases that
//! wait to be calibrated; an alert that becomes an operation.

use chrono::NaiveDate;
use vigie_domain::operation::{MAX_LINE, Operation, OperationQuery, OperationState, Programme};
use vigie_domain::{Department, Permission, french};
use vigie_notifier::card::short;
use vigie_notifier::chat::{Button, ButtonAction};
use vigie_service::Failure;
use vigie_service::answers::action::{self, folded};
use vigie_service::areas;
use vigie_service::operations::{self, MAX_NOTE, Overview, Written, letter, tables, to_calibrate};

use crate::{Reply, decide};

use super::{Asker, MAX_LISTED, one, unread, word};

const NOT_YOURS: &str = "Les opérations sont pour les facilitateurs. /aide montre vos commandes.";
const NONE: &str = "Votre organisation ne suit aucune opération encore. En réponse à une alerte, « /operations suivre » en fait une ; sur les pages, « Opérations ».";
const NO_AREA: &str = "Dites d’abord votre territoire : sur les pages, « Opérations », puis « Notre territoire ».";
const UNKNOWN: &str = "Je ne trouve pas cette opération. /operations montre les vôtres.";
const WHICH_ALERT: &str =
    "Répondez « /operations suivre » sous l’alerte du marché, ou donnez son numéro : /operations suivre 26-12345.";
const HOW_STEP: &str = "Pour la prochaine étape : /operations étape, la référence, deux-points, le jour, puis ce qu’il y a à faire. Par exemple : /operations étape 2027-001 : 15/03/2027 appeler la ville. « rien » l’enlève.";
const HOW_CHARGE: &str = "Pour confier une opération : /operations pour, la référence, deux-points, puis le nom. Par exemple : /operations pour 2027-001 : Béa.";
const HOW_STATE: &str = "Pour dire où en est une opération : /operations état, la référence, deux-points, puis à calibrer, calibrée, en consultation, attribuée, en exécution, terminée ou abandonnée. Par exemple : /operations état 2027-001 : en exécution.";
const HOW_NOTE: &str = "Pour noter : /operations note, la référence, deux-points, puis la note. Par exemple : /operations note 2027-001 : titulaire rappelé.";

/// Lots whose holders are named; the page has them all.
const MAX_LOTS: usize = 6;

/// What is asked for behind `/operations`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted<'a> {
    List,
    /// Those of a condition: its query, and how it is said.
    Only(Box<OperationQuery>, String),
    /// Purchases of the territory that nobody follows yet.
    ToCalibrate,
    /// A notice becomes an operation; empty = the one under which it is said.
    Follow(&'a str),
    /// A note on the operation of that reference.
    Note(&'a str, &'a str),
    /// Its next step: the day, where one is said, and what is to be done; nothing = there is none any more.
    Step(&'a str, Option<NaiveDate>, &'a str),
    /// The colleague in charge of it.
    Charge(&'a str, &'a str),
    /// Where it stands.
    State(&'a str, OperationState),
    /// It begins like one of these, and lacks something: how it is said.
    Unclear(&'static str),
    One(&'a str),
}

/// « 2027-001 : titulaire rappelé »: the reference and what is said of it.
fn about_one(rest: &str) -> Option<(&str, &str)> {
    let (reference, said) = rest.split_once(':')?;
    let (reference, said) = (reference.trim(), said.trim());
    (!reference.is_empty() && !said.is_empty()).then_some((reference, said))
}

/// A step with its day before it: « 15/03/2027 appeler la ville », « le 15/03/2027 : appeler »; without a day, the step alone.
fn step(said: &str) -> (Option<NaiveDate>, &str) {
    let bare = said.strip_prefix("le ").unwrap_or(said).trim_start();
    let (first, rest) = bare.split_once(char::is_whitespace).unwrap_or((bare, ""));
    match tables::day(first.trim_end_matches([',', ':'])) {
        Some(day) => (Some(day), rest.trim_start_matches([',', ':', ' ']).trim()),
        None => (None, said),
    }
}

/// A condition on operations, and how it is said; `None` where the words are no condition.
fn only(first: &str, text: &str, rest: &str) -> Option<(OperationQuery, String)> {
    let query = OperationQuery::default();
    if let Some(programme) = Programme::written(text) {
        return Some((
            OperationQuery { programme: Some(programme), ..query },
            format!("programme : {}", programme.in_french()),
        ));
    }
    if let Some(state) = OperationState::written(text) {
        return Some((OperationQuery { state: Some(state), ..query }, format!("état : {}", state.in_french())));
    }
    if rest.is_empty() {
        return None;
    }
    let shown = short(rest, 80);
    Some(match first {
        "acheteur" => (OperationQuery { buyer: rest.into(), ..query }, format!("acheteur : {shown}")),
        "suivies" | "suivie" => {
            let who = rest.strip_prefix("par ").unwrap_or(rest).trim();
            (OperationQuery { in_charge: who.into(), ..query }, format!("suivi par {}", short(who, 80)))
        }
        "territoire" => (OperationQuery { words: rest.into(), ..query }, format!("territoire : {shown}")),
        "departement" => {
            let department = Department::parse(rest)?;
            let said = format!("département : {department}");
            (OperationQuery { departments: vec![department], ..query }, said)
        }
        _ => return None,
    })
}

fn wanted(text: &str) -> Wanted<'_> {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim();
    let first = folded(first);
    match first.as_str() {
        "" => Wanted::List,
        "suivre" => Wanted::Follow(rest),
        "achats" | "achat" if rest.is_empty() => Wanted::ToCalibrate,
        "note" | "noter" => about_one(rest).map_or(Wanted::Unclear(HOW_NOTE), |(of, note)| Wanted::Note(of, note)),
        "etape" => about_one(rest).map_or(Wanted::Unclear(HOW_STEP), |(of, said)| {
            let (day, what) = step(said);
            match folded(said).as_str() {
                "rien" | "aucune" | "faite" | "fait" => Wanted::Step(of, None, ""),
                _ if what.is_empty() => Wanted::Unclear(HOW_STEP),
                _ => Wanted::Step(of, day, what),
            }
        }),
        "pour" => about_one(rest).map_or(Wanted::Unclear(HOW_CHARGE), |(of, who)| Wanted::Charge(of, who)),
        "etat" => about_one(rest)
            .and_then(|(of, state)| Some(Wanted::State(of, OperationState::written(state)?)))
            .unwrap_or(Wanted::Unclear(HOW_STATE)),
        first => only(first, text, rest).map_or(Wanted::One(text), |(query, said)| Wanted::Only(Box::new(query), said)),
    }
}

impl Asker<'_> {
    /// Answers `/operations`.
    pub(super) async fn operations(&self, text: &str, about: Option<&str>) -> Result<Vec<Reply>, Failure> {
        if !self.person.role.may(Permission::FollowOperations) {
            return Ok(word(NOT_YOURS));
        }
        match wanted(text) {
            Wanted::List => self.list_operations(None).await,
            Wanted::Only(query, said) => self.list_operations(Some((&query, &said))).await,
            Wanted::ToCalibrate => self.purchases().await,
            Wanted::Follow(number) => self.follow_operation(number, about).await,
            Wanted::Unclear(how) => Ok(word(how)),
            Wanted::Step(reference, day, what) => {
                let (day, what) = (day, short(what, MAX_LINE - 1));
                self.change_operation(reference, |o| (o.next_on, o.next_step) = (day, what)).await
            }
            Wanted::Charge(reference, who) => {
                // As the colleague of that name is called.
                let all = operations::colleagues(self.service, self.person.structure()).await?;
                let known = all.into_iter().map(|p| p.name).find(|n| folded(n) == folded(who));
                let who = known.unwrap_or_else(|| short(who, MAX_LINE - 1));
                self.change_operation(reference, |o| o.in_charge = who).await
            }
            Wanted::State(reference, state) => self.change_operation(reference, |o| o.state = state).await,
            Wanted::Note(reference, note) => self.note_operation(reference, note).await,
            Wanted::One(text) => self.one_operation(text).await,
        }
    }

    /// Those that are open, or all of a condition.
    async fn list_operations(&self, only: Option<(&OperationQuery, &str)>) -> Result<Vec<Reply>, Failure> {
        let mut all = operations::overviews(self.service, self.person.structure()).await?;
        if all.is_empty() {
            return Ok(word(NONE));
        }
        match only {
            Some((query, _)) => all.retain(|o| query.finds(&o.operation)),
            None => all.retain(|o| o.operation.state.is_open()),
        }
        let far = chrono::NaiveDate::MAX;
        all.sort_by_key(|o| (o.operation.next_on.unwrap_or(far), o.operation.reference.clone()));
        let which = only.map_or_else(|| "en cours".to_owned(), |(_, said)| format!("({said})"));
        if all.is_empty() {
            return Ok(word(format!("Aucune opération {which}. /operations montre celles qui sont en cours.")));
        }
        let mut lines = vec![format!("{} {which} :", french::plural(all.len(), "opération"))];
        lines.extend(all.iter().take(MAX_LISTED).map(|o| format!("• {}", line(o))));
        if all.len() > MAX_LISTED {
            lines.push(format!("et {} de plus sur la page.", all.len() - MAX_LISTED));
        }
        lines.push("Une seule : /operations et sa référence.".to_owned());
        Ok(one(lines.join("\n"), self.page_button("").into_iter().collect()))
    }

    /// Purchases of the territory that are planned and followed by nobody here yet.
    async fn purchases(&self) -> Result<Vec<Reply>, Failure> {
        let (service, structure) = (self.service, self.person.structure());
        let area = operations::unseen::area(service, structure).await?;
        let Some(query) = areas::query(&area) else { return Ok(word(NO_AREA)) };
        let rows = to_calibrate::of(service, structure, (&area, query), to_calibrate::MOST, self.now).await?;
        if rows.is_empty() {
            return Ok(word("Aucun achat programmé de votre territoire n’attend d’être suivi."));
        }
        let mut lines = vec![format!("{} à calibrer :", french::plural(rows.len(), "achat"))];
        lines.extend(
            rows.iter()
                .take(MAX_LISTED)
                .map(|r| format!("• « {} »{}", short(&r.title, 100), said(", ", &short(&r.buyer, 60)))),
        );
        if rows.len() > MAX_LISTED {
            lines.push(format!("et {} de plus sur la page.", rows.len() - MAX_LISTED));
        }
        Ok(one(lines.join("\n"), self.page_button("/a-calibrer").into_iter().collect()))
    }

    /// Changes the operation of a reference, and shows it.
    async fn change_operation(
        &self,
        reference: &str,
        change: impl FnOnce(&mut Operation),
    ) -> Result<Vec<Reply>, Failure> {
        let structure = self.person.structure();
        let Some(mut o) = self.service.store.operation_of_reference(structure, reference).await? else {
            return Ok(word(UNKNOWN));
        };
        change(&mut o);
        match operations::change(self.service, o).await? {
            Written::Yes(_) => {}
            Written::No(fault) => return Ok(word(format!("Rien n’est changé : {fault}."))),
        }
        let mut replies = self.one_operation(reference).await?;
        if let Some(first) = replies.first_mut() {
            first.text.text = format!("C’est noté.\n{}", first.text.text);
        }
        Ok(replies)
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
        lines.extend(operations::holders(self.service, o, MAX_LOTS).await?);
        lines.extend(operations::late(self.service, o, self.now).await?);
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
            None => word(decide::NOTHING_PUBLIC),
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
        let day = NaiveDate::from_ymd_opt(2027, 3, 15);
        let query = OperationQuery::default;
        let only_of = |query: OperationQuery, said: &str| Wanted::Only(Box::new(query), said.into());
        for (text, meant) in [
            ("", Wanted::List),
            ("suivre", Wanted::Follow("")),
            ("Suivre 26-12345", Wanted::Follow("26-12345")),
            ("note 2027-001 : titulaire rappelé : demain", Wanted::Note("2027-001", "titulaire rappelé : demain")),
            ("note 2027-001", Wanted::Unclear(HOW_NOTE)),
            ("étape 2027-001 : 15/03/2027 appeler la ville", Wanted::Step("2027-001", day, "appeler la ville")),
            ("Etape 2027-001 : le 15/03/2027, appeler", Wanted::Step("2027-001", day, "appeler")),
            ("étape 2027-001 : appeler", Wanted::Step("2027-001", None, "appeler")),
            ("étape 2027-001 : rien", Wanted::Step("2027-001", None, "")),
            ("étape 2027-001 : 15/03/2027", Wanted::Unclear(HOW_STEP)),
            ("pour 2027-001 : Béa", Wanted::Charge("2027-001", "Béa")),
            ("état 2027-001 : en exécution", Wanted::State("2027-001", OperationState::UnderWay)),
            ("état 2027-001 : bientôt", Wanted::Unclear(HOW_STATE)),
            ("achats", Wanted::ToCalibrate),
            ("2027-001", Wanted::One("2027-001")),
            ("suivies par Béa", only_of(OperationQuery { in_charge: "Béa".into(), ..query() }, "suivi par Béa")),
            ("npnru", only_of(OperationQuery { programme: Some(Programme::Npnru), ..query() }, "programme : NPNRU")),
            (
                "À calibrer",
                only_of(OperationQuery { state: Some(OperationState::Planned), ..query() }, "état : à calibrer"),
            ),
            ("acheteur Lens", only_of(OperationQuery { buyer: "Lens".into(), ..query() }, "acheteur : Lens")),
            ("école Jaurès", Wanted::One("école Jaurès")),
            ("acheteur", Wanted::One("acheteur")),
        ] {
            assert_eq!(wanted(text), meant, "{text}");
        }
    }
}
