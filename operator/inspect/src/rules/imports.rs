//! AL-N: what is asked of imports alone.

super::rules! {
N001 = "AL-N001" Block: "an import with malware in it, that is encrypted, cannot be opened here, or is an archive made to exhaust or to escape",
    "What attacks, or what nobody can look into, does not come in.", "standards AL-N001",
    "Upload it from a source you trust, unencrypted and unpacked, as plain files.";
N003 = "AL-N003" HoldSenior: "an import that names people, or holds records of single people",
    "It may link the project's data to people.", "standards AL-N003",
    "Remove identifiers. Data of people comes in as a Dataset, from its custodian.";
N005 = "AL-N005" Warn: "an import without a licence",
    "Nobody knows whether it may be used.", "standards AL-N005",
    "Name its SPDX licence, or a reference to its terms.";
N006 = "AL-N006" Warn: "an import that no malware scanner looked at",
    "Whoever opens it in a workspace should know.", "standards AL-N001",
    "Nothing: the platform team names a scanner in the SdePolicy (airlock.malwareScanner).";
}
