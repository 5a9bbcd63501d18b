//! A network and its members: who is one, who is asked to be, what each did with the calls under way.
//!
//! A network asks; whoever is asked says yes or no. What a network is told of an address that it gives is the same whether or not
//! somebody uses it here already: « demande envoyée ». A member leaves when it wants.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use vigie_config::mail_address;
use vigie_domain::partner_call::CallState;
use vigie_domain::subscription::{Profile, Role, is_network};
use vigie_domain::{Alert, AlertKind, Buyer, Channel, Permission, StructureKind, Subscriber};
use vigie_notifier::card::short;
use vigie_store::choices::Choice;
use vigie_store::people::NewSubscriber;
use vigie_store::{StoreError, derived_id};
use vigie_watcher::charset;

use crate::partner_calls::{members_of, name_of};
use crate::questions::{self, NO, Question, YES};
use crate::service::Service;
use crate::spreadsheet::{Table, Unreadable};
use crate::{opt_in, quiet};

/// Most people asked in one go.
pub const MAX_ROWS: usize = 200;
/// Longest name kept, in characters.
const MAX_NAME: usize = 80;

/// A row of the file that a network brings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MemberRow {
    pub mail: String,
    pub name: String,
    pub siret: Option<String>,
    pub kind: Option<StructureKind>,
}

/// What came of a file of members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Imported {
    /// Asked now, or before.
    pub asked: usize,
    /// Members already.
    pub members: usize,
    /// Lines that could not be read: their number, and why.
    pub refused: Vec<Numbered<String>>,
    /// Those lines as they came, with the head of their table, to be corrected and sent again.
    pub left: String,
}

/// Something with the number of its line, from 1.
pub type Numbered<T> = (u64, T);

/// What a table says: its members, and the lines that could not be read.
pub type Read = (Vec<Numbered<MemberRow>>, Vec<Numbered<String>>);

/// Names of the columns of a table of members, in the order in which they stand without a head.
const COLUMNS: [&[&str]; 4] = [
    &["courriel", "mail", "email", "e mail", "adresse", "adresse mail"],
    &["nom", "structure", "name", "raison sociale"],
    &["siret"],
    &["type", "kind", "nature"],
];

/// Reads a table of members, with or without a head (courriel, nom, siret, type). Pure.
///
/// # Errors
/// It is no table.
pub fn read(table: &[u8]) -> Result<Read, Unreadable> {
    let table = Table::loose(table, &COLUMNS)?;
    let (mut rows, mut refused) = (Vec::new(), Vec::new());
    for row in &table.rows {
        if rows.len() >= MAX_ROWS {
            refused.push((row.line, format!("{MAX_ROWS} lignes au plus en une fois")));
            break;
        }
        match member(|place| table.cell(row, place).unwrap_or_default()) {
            Ok(member) => match rows.iter().find(|(_, known): &&(u64, MemberRow)| known.mail == member.mail) {
                Some((line, _)) => refused.push((row.line, format!("l’adresse de la ligne {line}"))),
                None => rows.push((row.line, member)),
            },
            Err(why) => refused.push((row.line, why)),
        }
    }
    Ok((rows, refused))
}

/// The lines of a table that were refused, as they came, under its head.
fn lines_of(table: &[u8], rows: &[Numbered<MemberRow>], refused: &[Numbered<String>]) -> String {
    if refused.is_empty() {
        return String::new();
    }
    let numbers = || rows.iter().map(|(n, _)| *n).chain(refused.iter().map(|(n, _)| *n));
    let first = numbers().min().unwrap_or_default();
    let text = charset::plain_text(table);
    let numbered = (1_u64..).zip(text.trim_start_matches('\u{feff}').lines());
    // Beyond the most that are read at once, one line stands for all that follow.
    let beyond = refused.iter().map(|(n, _)| *n).max().filter(|_| rows.len() >= MAX_ROWS);
    let kept = numbered.filter(|(n, line)| {
        let is_refused = || refused.iter().any(|(of, _)| of == n) || beyond.is_some_and(|last| *n > last);
        !line.trim().is_empty() && (*n < first || is_refused())
    });
    kept.map(|(_, line)| line).collect::<Vec<_>>().join("\n")
}

/// Reads one line by its cells.
fn member<'a>(cell: impl Fn(usize) -> &'a str) -> Result<MemberRow, String> {
    if cell(0).is_empty() {
        return Err("il manque l’adresse électronique".to_owned());
    }
    let mail = mail_address::canonical(cell(0))?;
    let siret = match cell(2) {
        "" => None,
        written => Some(
            Buyer::clean_siret(written)
                .filter(|s| s.len() == 14)
                .ok_or_else(|| format!("« {} » n’est pas un SIRET de 14 chiffres", short(written, 40)))
                .and_then(|s| match Buyer::has_key(&s) {
                    true => Ok(s),
                    false => {
                        Err(format!("« {} » n’est le SIRET de personne : un chiffre est faux", short(written, 40)))
                    }
                })?,
        ),
    };
    let kind = match cell(3) {
        "" => None,
        written => Some(
            StructureKind::parse(written)
                .ok_or_else(|| format!("type de structure inconnu « {} »", short(written, 40)))?,
        ),
    };
    Ok(MemberRow { mail, name: short(cell(1), MAX_NAME), siret, kind })
}

/// Asks the people of a file to be members.
///
/// # Errors
/// The database fails; who was asked stays asked.
pub async fn import(service: &Service, network: &Subscriber, table: &[u8]) -> Result<Imported, StoreError> {
    let (rows, refused, left) = match read(table) {
        Ok((rows, refused)) => {
            let left = lines_of(table, &rows, &refused);
            (rows, refused, left)
        }
        // What is no table is nothing to correct line by line.
        Err(why) => (Vec::new(), vec![(1, why.to_string())], String::new()),
    };
    let mut out = Imported { refused, left, ..Imported::default() };
    if !network.role.may(Permission::PassOn) || network.name.is_empty() {
        return Ok(out);
    }
    let now = service.clock.now();
    for (_, row) in rows {
        match ask(service, network, row, now).await? {
            Asked::Member => out.members += 1,
            Asked::Asked => out.asked += 1,
        }
    }
    if out.asked > 0 {
        service.deliveries_queued.notify_one();
    }
    Ok(out)
}

enum Asked {
    Member,
    Asked,
}

async fn ask(service: &Service, network: &Subscriber, row: MemberRow, now: DateTime<Utc>) -> Result<Asked, StoreError> {
    let store = &service.store;
    if let Some((person, _)) = store.people_of_mailbox(&row.mail).await?.into_iter().next() {
        if person.profile.is_member_of(&network.name) {
            return Ok(Asked::Member);
        }
        store.choose(person.structure(), (Choice::AskedToJoin, &network.id), true, &network.name, now).await?;
        store.choose(network.structure(), (Choice::Asks, &person.id), true, &network.name, now).await?;
        let alert = Alert::word(AlertKind::Account, question_id(&network.id, &person.id));
        let page = service.home_url().map(|home| format!("\n{home}groupements")).unwrap_or_default();
        let body = format!(
            "{}\n{TERMS} Vous répondez, ou le quittez, sur la page « Groupements ».{page}",
            asked(&network.name)
        );
        quiet::tell(service, &person.id, &alert, &body, now).await?;
        return Ok(Asked::Asked);
    }
    // Whoever had that address erased is not written to; the network is told no difference.
    let id = derived_id(&["member", &row.mail]);
    store.choose(network.structure(), (Choice::Asks, &id), true, &network.name, now).await?;
    if store.is_suppressed(Channel::Email, &row.mail).await? || !opt_in::possible(&service.settings) {
        return Ok(Asked::Asked);
    }
    let profile = Profile { siret: None, claimed_siret: row.siret, kind: row.kind, ..Profile::default() };
    let subscriber = Subscriber { id: id.clone(), name: row.name, role: Role::Structure, profile };
    let address = opt_in::enrol(store, subscriber, &row.mail, now).await?;
    store.choose(&id, (Choice::AskedToJoin, &network.id), true, &network.name, now).await?;
    opt_in::ask(store, &address, false, now).await?;
    Ok(Asked::Asked)
}

/// What somebody agrees to by being a member.
const TERMS: &str = "Un réseau peut vous transmettre des marchés et vous demander qui se positionne sur quel lot. Il ne voit rien de ce que vous décidez. Votre réponse vaut pour votre structure.";

fn asked(network: &str) -> String {
    format!("{} vous compte parmi ses membres : êtes-vous d’accord ?", short(network, MAX_NAME))
}

/// The question that a network puts to a person; also the identifier of the alert that puts it.
fn question_id(network: &str, person: &str) -> String {
    derived_id(&["asked to join", network, person])
}

/// What networks ask a person, each with the identifier of the network.
pub(crate) async fn questions(service: &Service, person: &Subscriber) -> Result<Vec<(String, Question)>, StoreError> {
    let choice = |word: &str, label: &str| questions::Choice { word: word.to_owned(), label: label.to_owned() };
    let question = |(id, name): (String, String)| {
        let put = Question {
            id: question_id(&id, &person.id),
            title: asked(&name),
            lines: vec![TERMS.to_owned()],
            choices: vec![choice(YES, "Je suis membre"), choice(NO, "Non")],
            waits: true,
        };
        (id, put)
    };
    Ok(asking(service, person).await?.into_iter().map(question).collect())
}

/// What a person answers to the question of that identifier; `None` where no network puts it, or the word is none of its answers.
pub(crate) async fn answer_question(
    service: &Service,
    person: &Subscriber,
    id: &str,
    word: &str,
) -> Result<Option<String>, StoreError> {
    let asked = asking(service, person).await?.into_iter().find(|(network, _)| question_id(network, &person.id) == id);
    let (Some((network, name)), YES | NO) = (asked, word) else { return Ok(None) };
    let joins = word == YES;
    answer(service, person, &network, joins).await?;
    let name = short(&name, MAX_NAME);
    Ok(Some(match joins {
        true => {
            format!("C’est noté : {name} vous compte parmi ses membres. La page « Groupements » permet de le quitter.")
        }
        false => format!("C’est noté : {name} ne vous compte pas parmi ses membres."),
    }))
}

/// Networks that ask a person to be a member, by identifier and name.
///
/// # Errors
/// The database fails.
pub async fn asking(service: &Service, person: &Subscriber) -> Result<Vec<(String, String)>, StoreError> {
    let mut out = Vec::new();
    for about in service.store.chosen_about(person.structure(), Choice::AskedToJoin).await? {
        let network = service.store.subscriber(&about).await?.filter(|n| n.role == Role::Network);
        out.extend(network.filter(|n| !person.profile.is_member_of(&n.name)).map(|n| (n.id, n.name)));
    }
    Ok(out)
}

/// What a person answers to a network that asks; `false` where it does not ask.
///
/// # Errors
/// The database fails: nothing changes.
pub async fn answer(service: &Service, person: &Subscriber, network: &str, joins: bool) -> Result<bool, StoreError> {
    let now = service.clock.now();
    let Some((id, name)) = asking(service, person).await?.into_iter().find(|(id, _)| id == network) else {
        return Ok(false);
    };
    if joins {
        let mut member = person.clone();
        member.profile.networks.push(name);
        service
            .store
            .put_subscriber(&NewSubscriber { subscriber: member, addresses: Vec::new(), declared: false }, now)
            .await?;
    }
    service.store.choose(person.structure(), (Choice::AskedToJoin, &id), false, &person.name, now).await?;
    // A refusal is shown to nobody: who said no waits, as far as the network sees.
    if joins && let Some(asks) = service.store.subscriber(&id).await? {
        service.store.choose(asks.structure(), (Choice::Asks, &person.id), false, &person.name, now).await?;
    }
    Ok(true)
}

/// A person leaves a network; `false` where they are no member. Whether its year is counted there ends with it.
///
/// # Errors
/// The database fails: nothing changes.
pub async fn leave(service: &Service, person: &Subscriber, network: &str) -> Result<bool, StoreError> {
    if !person.profile.is_member_of(network) || service.store.is_declared(&person.id).await? {
        return Ok(false);
    }
    let now = service.clock.now();
    let mut member = person.clone();
    member.profile.networks.retain(|n| !is_network(n, network));
    service
        .store
        .put_subscriber(&NewSubscriber { subscriber: member, addresses: Vec::new(), declared: false }, now)
        .await?;
    count_in(service, person, network, false).await?;
    Ok(true)
}

/// Whether the year of a structure is counted in that of a network, however either writes its name.
///
/// # Errors
/// The database fails.
pub async fn is_counted_in(service: &Service, structure: &str, network: &str) -> Result<bool, StoreError> {
    let about = service.store.chosen_about(structure, Choice::CountedIn).await?;
    Ok(about.iter().any(|name| is_network(name, network)))
}

/// Structures whose year is counted in that of a network.
///
/// # Errors
/// The database fails.
pub async fn counted_in(service: &Service, network: &str) -> Result<BTreeSet<String>, StoreError> {
    let all = service.store.choosers(Choice::CountedIn).await?;
    Ok(all.into_iter().filter(|(_, name)| is_network(name, network)).map(|(structure, _)| structure).collect())
}

/// Notes whether the year of a person's structure is counted in that of a network.
///
/// # Errors
/// The database fails: nothing changes.
pub async fn count_in(service: &Service, person: &Subscriber, network: &str, chosen: bool) -> Result<(), StoreError> {
    let (store, now) = (&service.store, service.clock.now());
    let structure = person.structure();
    if chosen {
        store.choose(structure, (Choice::CountedIn, network), true, &person.name, now).await?;
        return Ok(());
    }
    for name in store.chosen_about(structure, Choice::CountedIn).await?.iter().filter(|n| is_network(n, network)) {
        store.choose(structure, (Choice::CountedIn, name), false, &person.name, now).await?;
    }
    Ok(())
}

/// How many people whom a network asked have not agreed, and when it last asked one.
///
/// # Errors
/// The database fails.
pub async fn pending(service: &Service, network: &Subscriber) -> Result<(usize, Option<DateTime<Utc>>), StoreError> {
    service.store.count_chosen(network.structure(), Choice::Asks).await
}

/// A member as its network sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    pub structure: String,
    pub name: String,
    pub kind: Option<StructureKind>,
    /// Open calls of the network that it did not answer.
    pub unanswered: usize,
    /// Open calls of the network in which it is asked.
    pub asked: usize,
}

/// The members of a network, by name, with what they did with its open calls.
///
/// # Errors
/// The database fails.
pub async fn members(service: &Service, network: &Subscriber) -> Result<Vec<Member>, StoreError> {
    let mut asked: std::collections::BTreeMap<String, (usize, usize)> = std::collections::BTreeMap::new();
    for call in service.store.partner_calls_of(network.structure()).await? {
        if call.state != CallState::Open {
            continue;
        }
        let (answered, silent) = crate::partner_calls::telling::answered_and_silent(service, &call).await?;
        for (invitations, unanswered) in [(answered, 0), (silent, 1)] {
            for invitation in invitations {
                let counts = asked.entry(invitation.structure).or_default();
                counts.0 += 1;
                counts.1 += unanswered;
            }
        }
    }
    let mut out = Vec::new();
    for (structure, people) in members_of(service, network).await? {
        let (asked, unanswered) = asked.get(&structure).copied().unwrap_or_default();
        let kind = people.iter().find_map(|p| p.profile.kind);
        out.push(Member { name: name_of(service, &structure).await?, structure, kind, unanswered, asked });
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_members_is_read_with_or_without_its_heading() {
        let read = |text: &str| read(text.as_bytes()).unwrap();
        let (rows, refused) = read(
            "Structure;Courriel;SIRET;Type\nAtelier du Nord;contact@atelier.example;215 903 501 00017;EI\n\nSans adresse;;;\nAutre;autre@autre.example;12;\n",
        );
        assert_eq!(rows.len(), 1);
        let (line, row) = &rows[0];
        assert_eq!((*line, row.mail.as_str(), row.kind), (2, "contact@atelier.example", Some(StructureKind::Ei)));
        assert_eq!(row.siret.as_deref(), Some("21590350100017"));
        assert_eq!(refused.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [4, 5]);
        let (rows, refused) = read("a@a.example\nb@b.example\n");
        assert_eq!((rows.len(), refused.len()), (2, 0), "a column of addresses");
        let (rows, refused) = read("a@a.example\nb@b.example\nA@a.example\n");
        assert_eq!((rows.len(), refused.len()), (2, 1), "an address is asked once: {refused:?}");
        let (rows, refused) = read("a@a.example;A;38218292300099\n");
        assert_eq!((rows.len(), refused.len()), (0, 1), "a digit is false: {refused:?}");
        let (rows, _) = read("a@a.example, Structure A\n");
        assert_eq!(rows[0].1.name, "Structure A");
        let (rows, _) = read("Téléphone;E-mail;Nom\n03 20;a@a.example;\"Les Ateliers ; Lille\"\n");
        assert_eq!((rows[0].1.mail.as_str(), rows[0].1.name.as_str()), ("a@a.example", "Les Ateliers ; Lille"));
        assert_eq!(super::read(b"PK\x03\x04 classeur"), Err(Unreadable::NotATable));
    }

    /// The box was emptied: every faulty line was to be typed again.
    #[test]
    fn lines_that_were_refused_stay_to_be_corrected_under_their_head() {
        let left = |text: &str| {
            let (rows, refused) = read(text.as_bytes()).unwrap();
            lines_of(text.as_bytes(), &rows, &refused)
        };
        let table = "Courriel;Nom\na@a.example;A\npasuneadresse;B\n\n;C\nd@d.example;D\n";
        assert_eq!(left(table), "Courriel;Nom\npasuneadresse;B\n;C");
        assert_eq!(left("a@a.example\nfaux\n"), "faux");
        assert_eq!(left("a@a.example\n").as_str(), "");
        let many: String = (0..MAX_ROWS + 3).map(|n| format!("m{n}@a.example\n")).collect();
        assert_eq!(left(&many).lines().count(), 3, "what exceeds the most at once is not lost");
        let (_, refused) = read(";Sans adresse;;\n".as_bytes()).unwrap();
        assert_eq!(refused, [(1, "il manque l’adresse électronique".to_owned())]);
    }
}
