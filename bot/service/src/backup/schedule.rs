//! The backup of the day, at the hour of the settings; one process makes it. Operators are told of one that fails.

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Europe::Paris;

use super::make;
use crate::error::Failure;
use crate::operators::{self, OperatorEvent, local};
use crate::service::Service;

/// Makes the backup of the day, where its hour has come and it is not made; notes how large the database is.
///
/// # Errors
/// The database fails. A backup that fails is told to operators, and tried again the next day.
pub async fn run(service: &Service, now: DateTime<Utc>) -> Result<(), Failure> {
    let settings = &service.settings.backup;
    let today = now.with_timezone(&Paris).date_naive();
    if service.store.take_chore("size", now - start_of(today, 0, now), now).await? {
        service.store.note_size(today).await?;
    }
    let Some(dir) = &settings.dir else { return Ok(()) };
    let since = now - start_of(today, settings.hour, now);
    if since < chrono::Duration::zero() || !service.store.take_chore("backup", since, now).await? {
        return Ok(());
    }
    let matrix = service.settings.matrix.as_ref().map(|m| m.store.as_path());
    match make(&service.store, matrix, dir, settings.keep as usize, now).await {
        Ok(made) => {
            tracing::info!(folder = %made.folder.display(), removed = made.removed, "backup made and read through");
            Ok(())
        }
        Err(e) => {
            tracing::error!("no backup: {}", e.what);
            let body = format!(
                "La sauvegarde du {} n’a pas été faite\n{} ({}). Que faire : {}. La prochaine sera essayée demain ; « vigie backup » en fait une tout de suite.",
                local(now),
                e.what,
                e.place,
                e.fix
            );
            operators::tell(service, OperatorEvent::Once(&format!("backup:{today}")), &body, now).await
        }
    }
}

/// The moment of that hour on that day, in Paris; now itself where the clocks skip it.
fn start_of(day: chrono::NaiveDate, hour: u8, now: DateTime<Utc>) -> DateTime<Utc> {
    let time = NaiveTime::from_hms_opt(u32::from(hour), 0, 0).unwrap_or_default();
    day.and_time(time).and_local_timezone(Paris).earliest().map_or(now, |at| at.with_timezone(&Utc))
}
