//! AL-N: what is asked of imports alone.

super::rules! {
N001 = "AL-N001" Block: "an import that is encrypted, cannot be opened here, or is an archive made to exhaust or to escape",
    "What nobody can look into does not come in.", "standards AL-N001",
    "Upload it unencrypted and unpacked, as plain files.";
N003 = "AL-N003" HoldSenior: "an import that names people, or holds records of single people",
    "It may link the project's data to people.", "standards AL-N003",
    "Remove identifiers. Data of people comes in as a Dataset, from its custodian.";
N005 = "AL-N005" Warn: "an import without a licence",
    "Nobody knows whether it may be used.", "standards AL-N005",
    "Name its SPDX licence, or a reference to its terms.";
}
