//! `/echeances` and `/ajouter`: what the structure follows, and what it heard of by itself.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use vigie_domain::{DateKind, Permission, Visibility, french};
use vigie_notifier::card::short;
use vigie_notifier::chat::{Button, ButtonAction};
use vigie_service::Failure;
use vigie_service::leads::{self, Added, Lead};

use crate::Reply;

use super::{Asker, MAX_LISTED, day, one, word};

impl Asker<'_> {
    pub(super) async fn deadlines(&self) -> Result<Vec<Reply>, Failure> {
        if !self.person.role.may(Permission::Decide) {
            return Ok(word("Ce compte ne décide pour aucune structure : il n’a pas d’échéances."));
        }
        let decisions = self.service.store.decisions_of(self.person.structure()).await?;
        let mut dates: Vec<(DateTime<Utc>, String)> = Vec::new();
        let mut titles: BTreeMap<String, String> = BTreeMap::new();
        for d in decisions
            .iter()
            .filter(|d| d.stage.wants_reminders() || d.remind_at.is_some_and(|at| at > self.now && !d.stage.declines()))
        {
            if !titles.contains_key(&d.procedure) {
                let title = self.service.store.notices_of(&d.procedure).await?.pop().map(|n| n.assessment.title);
                titles.insert(d.procedure.clone(), short(&title.unwrap_or_default(), 90));
            }
            let title = &titles[&d.procedure];
            let lot = if d.lot.is_empty() { String::new() } else { format!(", lot {}", short(&d.lot, 20)) };
            if let Some(at) = d.remind_at.filter(|at| *at > self.now) {
                dates.push((at, format!("⏰ Rappel demandé : {title}{lot}")));
            }
            if !d.stage.wants_reminders() {
                continue;
            }
            for (kind, at) in self.service.store.open_dates(&d.procedure, &d.lot).await?.unwrap_or_default() {
                let what = match kind {
                    DateKind::Visit => "Visite",
                    DateKind::Questions => "Questions",
                    DateKind::Participation => "Candidatures",
                    DateKind::Tender => "Offres",
                };
                let left = french::days_left(at, self.now);
                let by = if d.assignee.is_empty() { &d.by } else { &d.assignee };
                dates.push((
                    at.with_timezone(&Utc),
                    format!("{what} ({left}) : {title}{lot} – {}, {}", d.stage.in_french(), short(by, 40)),
                ));
            }
        }
        dates.retain(|(at, _)| *at > self.now);
        dates.sort();
        dates.dedup();
        if dates.is_empty() {
            return Ok(word("Aucune échéance à venir : répondez 👍 sous une alerte pour suivre un marché."));
        }
        let more = dates.len().saturating_sub(MAX_LISTED);
        let mut lines = vec!["Vos échéances :".to_owned()];
        lines.extend(dates.into_iter().take(MAX_LISTED).map(|(at, text)| format!("• {} : {text}", day(at))));
        if more > 0 {
            lines.push(format!("et {more} de plus."));
        }
        Ok(one(lines.join("\n"), self.own_pages().into_iter().collect()))
    }

    /// What somebody heard of becomes a lead of their structure; the alert that follows brings the answers.
    pub(super) async fn add(&self, text: &str) -> Result<Vec<Reply>, Failure> {
        if text.trim().chars().count() < 8 {
            return Ok(word(
                "Dites de quoi il s’agit, avec un lien si vous en avez un : /ajouter Nettoyage des bureaux, Groupe Exemple, https://…",
            ));
        }
        let lead = Lead::of_words(text);
        let own = Visibility::Structure(self.person.structure().to_owned());
        let notice = match lead.notice(own, self.now) {
            Ok(notice) => notice,
            Err(fault) => return Ok(word(format!("Je n’ai rien ajouté : {fault}."))),
        };
        let (said, procedure) = match leads::add(self.service, self.person, notice).await? {
            Added::TooMany => {
                return Ok(word("C’est beaucoup de pistes en un jour : je reprends demain. Rien n’est ajouté."));
            }
            Added::Published { procedure, title, told } => {
                let title = short(&title, 100);
                let said = if told { "le voici" } else { "il vous a déjà été signalé" };
                (format!("« {title} » est un avis public que je suis : {said}."), procedure)
            }
            Added::Brought { procedure, new: true, .. } => (
                "C’est ajouté : votre structure seule le voit. L’alerte arrive, avec ses réponses.".to_owned(),
                procedure,
            ),
            Added::Brought { procedure, new: false, .. } => {
                ("Cette piste est déjà connue de votre structure.".to_owned(), procedure)
            }
        };
        let open = |url: String| vec![Button { label: "Voir la piste".to_owned(), action: ButtonAction::Open(url) }];
        Ok(one(said, self.service.procedure_url(&procedure).map(open).into_iter().collect()))
    }
}
