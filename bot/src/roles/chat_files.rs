//! A file sent in a chat: asked for where it is no longer than the chat gives, and never longer than that.

use std::fmt::Debug;

use vigie_conversation::FileFault;

/// The bytes that `ask` gives, which knows the same bound; `announced`: how long the chat says that the file is.
///
/// # Errors
/// The file is too large, or the chat's server does not give it.
pub(super) async fn content<E: Debug>(
    announced: Option<u64>,
    most: usize,
    ask: impl Future<Output = Result<Option<Vec<u8>>, E>>,
) -> Result<Vec<u8>, FileFault> {
    let too_large = FileFault::TooLarge(u32::try_from(most / 1_048_576).unwrap_or(0));
    if announced.is_some_and(|size| usize::try_from(size).unwrap_or(usize::MAX) > most) {
        return Err(too_large);
    }
    match ask.await {
        Ok(Some(bytes)) => Ok(bytes),
        Ok(None) => Err(too_large),
        Err(refusal) => {
            tracing::warn!("a file is not given: {refusal:?}");
            Err(FileFault::Away)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_too_long_is_not_asked_for() {
        let never = async { panic!("asked for") as Result<Option<Vec<u8>>, ()> };
        assert_eq!(content(Some(3 * 1_048_576), 2 * 1_048_576, never).await, Err(FileFault::TooLarge(2)));
        let longer_than_said = async { Ok::<_, ()>(None) };
        assert_eq!(content(Some(1), 2 * 1_048_576, longer_than_said).await, Err(FileFault::TooLarge(2)));
        assert_eq!(content(None, 9, async { Err("away") }).await, Err(FileFault::Away));
        assert_eq!(content(None, 9, async { Ok::<_, ()>(Some(vec![1])) }).await, Ok(vec![1]));
    }
}
