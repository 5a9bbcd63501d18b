//! `/pourquoi`: why an alert came, or did not; and passing a notice on.

use chrono::Utc;
use vigie_domain::{Disposition, Permission};
use vigie_notifier::card::{Why, short};
use vigie_service::Failure;
use vigie_service::after_award::explain as why_after_award;
use vigie_service::pass_on::pass_on;
use vigie_service::visibility;
use vigie_service::why;
use vigie_store::journal::{NoticeRow, NotificationRow};

use crate::Reply;

use super::{AROUND, Asker, day, unread, word};

/// Notices explained where none is named.
const LATEST: i64 = 6;

impl Asker<'_> {
    pub(super) async fn why(&self, notice: Option<&str>, about: Option<&str>) -> Result<Vec<Reply>, Failure> {
        match (self.meant(notice, about).await?, notice) {
            (Some(row), _) => self.why_of(&row).await,
            (None, Some(written)) => Ok(unread(written)),
            (None, None) => self.why_latest().await,
        }
    }

    /// The notice of that number; without one, the notice that the message `about` which this is said tells of.
    pub(super) async fn meant(&self, notice: Option<&str>, about: Option<&str>) -> Result<Option<NoticeRow>, Failure> {
        if let Some(written) = notice {
            let row = self.service.store.notice(written.trim_matches(AROUND)).await?;
            // What is not this person's to see is as unknown as what was never read.
            let seen = visibility::visible(self.service, Some(self.person), row.into_iter().collect()).await?;
            return Ok(seen.into_iter().next());
        }
        let Some(delivery) = about else { return Ok(None) };
        let chat = &self.incoming.chat;
        match self.service.store.received(delivery, chat.channel, &chat.id).await? {
            Some(received) if received.subscriber == self.person.id => {
                Ok(self.service.store.notices_of(&received.procedure).await?.pop())
            }
            _ => Ok(None),
        }
    }

    pub(super) async fn pass_on(&self, notice: Option<&str>, about: Option<&str>) -> Result<Vec<Reply>, Failure> {
        if !self.person.role.may(Permission::PassOn) {
            return Ok(word(
                "/transmettre est pour les réseaux, qui passent un marché à leurs membres. /aide montre vos commandes.",
            ));
        }
        let Some(row) = self.meant(notice, about).await? else {
            return Ok(notice.map_or_else(
                || word("Répondez /transmettre à l’alerte que vos membres doivent voir, ou donnez son numéro : /transmettre 26-12345"),
                unread,
            ));
        };
        if row.assessment.deadline().is_some_and(|d| d.with_timezone(&Utc) <= self.now) {
            return Ok(word("Ce marché est clos : il n’est plus transmis."));
        }
        Ok(word(pass_on(self.service, &row, self.person).await?.in_french()))
    }

    pub(super) async fn why_of(&self, row: &NoticeRow) -> Result<Vec<Reply>, Failure> {
        let mut lines = vec![format!("{} : {}", row.id, short(&row.assessment.title, 120))];
        let shares = self.service.store.notifications(&self.person.id, &row.procedure).await?;
        for share in &shares {
            lines.push(format!("• {} : {}", day(share.created), decided(share)));
            let why: Why = serde_json::from_str(&share.reasons).unwrap_or_default();
            lines.extend(why.fit.reasons.iter().take(4).map(|r| format!("   – {}", short(r, 160))));
        }
        let after = why_after_award::lines(&self.service.store, self.person.structure(), &row.procedure).await?;
        lines.extend(after.iter().map(|line| format!("• {line}")));
        if shares.is_empty() && after.is_empty() {
            let unmet = why::unmet(&self.service.store, self.person, row).await?;
            if unmet.is_empty() {
                lines.push("Vous n’aviez aucun abonnement.".to_owned());
            }
            lines.extend(unmet.iter().enumerate().map(|(i, u)| format!("• Abonnement {} : {}", i + 1, u.why)));
        }
        Ok(word(lines.join("\n")))
    }

    pub(super) async fn why_latest(&self) -> Result<Vec<Reply>, Failure> {
        let latest = self.service.store.latest_notifications(&self.person.id, LATEST).await?;
        if latest.is_empty() {
            return Ok(word(
                "Rien ne vous a encore été signalé. /abonnements montre ce que vous suivez ; /pourquoi 26-12345 explique un avis précis.",
            ));
        }
        let mut lines = vec!["Les derniers avis vus pour vous :".to_owned()];
        for share in &latest {
            let title = self
                .service
                .store
                .notice(&share.notice)
                .await?
                .map_or_else(|| share.notice.clone(), |n| n.assessment.title);
            lines.push(format!(
                "• {} : {}\n   {}, {}",
                share.notice,
                short(&title, 90),
                day(share.created),
                decided(share)
            ));
        }
        lines.push("Pour en savoir plus : /pourquoi et le numéro de l’avis.".to_owned());
        Ok(word(lines.join("\n")))
    }
}

fn decided(share: &NotificationRow) -> String {
    match share.disposition {
        Disposition::Instant => "envoyé tout de suite".to_owned(),
        Disposition::Digest => {
            share.due.map_or_else(|| "dans votre résumé".to_owned(), |at| format!("dans votre résumé du {}", day(at)))
        }
        Disposition::Overflow => "groupé avec d’autres en un seul message".to_owned(),
        Disposition::Baseline => "pas envoyé : publié avant le début de la veille".to_owned(),
        Disposition::Duplicate => "pas envoyé : déjà signalé, rien n’a changé".to_owned(),
        Disposition::Paused => "pas envoyé : abonnement en pause, ou absence".to_owned(),
    }
}
