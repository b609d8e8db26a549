//! AL-A, AL-R and others: what stands out of a request against its project's own history. Judged by the controller, which alone
//! knows several requests (`operator/core/src/airlock/history.rs`); said here, so that all rules are one catalogue.

super::rules! {
A008 = "AL-A008" Hold: "an export ten times as large as the project's releases are",
    "Results grow slowly; data is large at once.", "standards A08: 10 times the median of the last 20, and more than 1 MiB; with fewer than 5 releases it warns",
    "Leave out what nobody will read, and say in the justification why it is more than before.";
A009 = "AL-A009" HoldSenior: "a person of whose requests three or more were blocked or rejected in seven days",
    "Whoever tries again and again is to be spoken with, not only checked.", "standards A09",
    "Speak with the reviewers before you ask again.";
G011 = "AL-G011" HoldSenior: "a file that reviewers refused in an earlier request of the project, unchanged",
    "Asking again is no answer to why it was refused.", "standards AL-G011, which blocks: ours holds, since a file can have been refused for what it was to be used for",
    "Change what the reviewers asked for, or say in the justification why it may cross after all.";
G017 = "AL-G017" Hold: "more bytes or files than the project's releases have as a rule",
    "What differs from a project's habits is looked at twice.", "standards AL-G017: robust z by MAD above 3.5 against the last 20 releases (Iglewicz and Hoaglin 1993), the spread being 64 KiB and 2 files at least; with fewer than 5 releases it warns",
    "Nothing, if it is what is needed; say in the justification why it is more than before.";
G018 = "AL-G018" Hold: "more requests than people can check with care: over 3 of a person in a day, or 10 of a project in a week",
    "Many small requests are one large one that nobody sees whole.", "standards AL-G018; NHS England limits outputs a day",
    "Ask for what belongs together in one request.";
N004 = "AL-N004" Hold: "an import ten times as large as the project's imports are",
    "What a project brings in changes slowly.", "standards AL-N004: 10 times the median of the last 20, and more than 16 MiB; with fewer than 5 it warns",
    "Bring reference data as a Dataset, and packages as an image.";
R001 = "AL-R001" Warn: "the same two people approved all of the project's last ten releases",
    "Two who always agree are one.", "standards 3.3 (anti-collusion); ours: 10",
    "Nothing; the custodian can name more reviewers, or have more requests sampled.";
}
