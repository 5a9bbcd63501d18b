//! The fuzz targets on their corpora, and on some mutations of them.

use vigie_tests::fuzz::{Mutator, TARGETS, corpus};

/// Mutations tried of each target, unless `VIGIE_FUZZ_CASES` says otherwise.
const CASES: usize = 400;

#[test]
fn every_target_holds_on_its_corpus_and_on_mutations_of_it() {
    let cases = std::env::var("VIGIE_FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(CASES);
    for target in TARGETS {
        let corpus = corpus(target.name);
        assert!(!corpus.is_empty(), "{} has no corpus", target.name);
        corpus.iter().for_each(|input| (target.run)(input));
        let mut mutator = Mutator::new(target.name, 7);
        (0..cases).for_each(|_| (target.run)(&mutator.next_input()));
    }
}
