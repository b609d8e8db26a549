//! Results as researchers honestly make them.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::Dice;

pub const COUNTS: &str = "age_band,sex,n,cases\n40-49,F,1210,120\n40-49,M,1105,135\n50-59,F,1500,210\n50-59,M,1395,245\n60-69,F,1480,330\n60-69,M,1330,360\n";

pub const CROSSTAB: &str =
    "smoking,cases,controls\nnever,1520,3040\nformer,830,1210\ncurrent,415,520\n";

pub const COEFFICIENTS: &str = "term,estimate,std.error,statistic,p.value\n(Intercept),-2.31,0.11,-21.0,1e-97\nage,0.043,0.002,21.5,2e-101\nsexM,0.21,0.05,4.2,2.7e-05\nrs429358_C,0.77,0.04,19.2,1e-80\n";

pub const MARKDOWN: &str = "# Penetrance of BRCA1/2 modifiers\n\nWe looked at 4,500 women. *Figure 1* shows risk by age.\n\n## Results\n\n- The hazard ratio was 1.8 (95% CI 1.5 to 2.2).\n- 120 of 1,210 women aged 40 to 49 had the disease.\n\n| group | n | cases |\n|---|---|---|\n| carriers | 150 | 60 |\n| non-carriers | 4350 | 310 |\n\nSee rs80357906 and [the paper](https://doi.org/10.1000/xyz).\n";

pub const PYTHON: &str = "#!/usr/bin/env python3\n\"\"\"Survival of carriers.\"\"\"\nimport pandas as pd\nfrom lifelines import CoxPHFitter\n\nVCF_HEADER = \"##fileformat=VCFv4.2\"\n\n\ndef fit(frame: pd.DataFrame) -> CoxPHFitter:\n    model = CoxPHFitter(penalizer=0.1)\n    model.fit(frame, duration_col=\"years\", event_col=\"event\")\n    return model\n\n\nif __name__ == \"__main__\":\n    data = pd.read_csv(\"/data/cohort/phenotypes.csv\")\n    data = data[data[\"n\"] > 10]\n    print(fit(data).summary)\n";

pub const R: &str = "library(dplyr)\nlibrary(ggplot2)\n\nd <- read.csv(\"counts.csv\")\nd %>% group_by(sex) %>% summarise(n = n()) -> s\nggplot(s, aes(x = sex, y = n)) + geom_col()\nggsave(\"plot.png\", width = 6, height = 4)\n";

pub const JSON: &str = "{\n  \"model\": \"cox\",\n  \"n\": 4500,\n  \"estimates\": [\n    {\"term\": \"age\", \"beta\": 0.043, \"se\": 0.002},\n    {\"term\": \"sex\", \"beta\": 0.21, \"se\": 0.05}\n  ]\n}\n";

/// Summary statistics in GWAS-SSF's columns.
pub fn gwas(rows: usize) -> String {
    let mut dice = Dice(3);
    let mut text = String::from(
        "chromosome\tbase_pair_location\teffect_allele\tother_allele\tbeta\tstandard_error\teffect_allele_frequency\tp_value\trsid\tn\n",
    );
    for row in 0..rows {
        let frequency = 0.01 + dice.below(980) as f64 / 1000.0;
        let beta = (dice.below(2000) as f64 - 1000.0) / 10_000.0;
        let p = (1 + dice.below(999)) as f64 / 1000.0;
        text.push_str(&format!(
            "{}\t{}\tA\tG\t{beta:.4}\t0.0312\t{frequency:.3}\t{p:.3}\trs{}\t45210\n",
            1 + row % 22,
            10_000 + row * 311,
            100_000 + row * 7
        ));
    }
    text
}

fn chunk(png: &mut Vec<u8>, name: &[u8], content: &[u8]) {
    png.extend((content.len() as u32).to_be_bytes());
    png.extend(name);
    png.extend(content);
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(content);
    png.extend(crc.sum().to_be_bytes());
}

/// A PNG of 8-bit RGB from a function of place and channel.
pub fn png(width: u32, height: u32, pixel: impl Fn(u32, u32, u32) -> u8, text: &[u8]) -> Vec<u8> {
    let mut raw = Vec::new();
    for y in 0..height {
        raw.push(0);
        for x in 0..width {
            raw.extend((0..3).map(|c| pixel(x, y, c)));
        }
    }
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(&raw).unwrap();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut png, b"IHDR", &header);
    if !text.is_empty() {
        chunk(&mut png, b"tEXt", text);
    }
    chunk(&mut png, b"IDAT", &encoder.finish().unwrap());
    chunk(&mut png, b"IEND", b"");
    png
}

/// Bars on white, as a plotting library draws them.
pub fn plot() -> Vec<u8> {
    let bar = |x: u32, y: u32| x % 80 > 20 && x % 80 < 60 && y > 300 - (x / 80) * 40 && y < 320;
    let axis = |x: u32, y: u32| x == 10 || y == 320;
    let pixel = |x: u32, y: u32, c: u32| match (bar(x, y), axis(x, y)) {
        (true, _) => [31, 119, 180][c as usize],
        (_, true) => 0,
        _ => 255,
    };
    png(
        480,
        360,
        pixel,
        b"Software\0Matplotlib version3.9.2, https://matplotlib.org/",
    )
}
