//! AL-M, AL-D and AL-N: models, documents and programs.

super::rules! {
M001 = "AL-M001" Block: "a pickle: joblib, PyTorch archives",
    "It runs code when opened, and may hold the training data.", "standards AL-M001",
    "Save weights as safetensors or ONNX, or the coefficients as a table.";
M002 = "AL-M002" HoldSenior: "a model: safetensors, ONNX, GGUF",
    "Models remember people; somebody who knows models must look.", "SACRO-ML; SATRE 3.1.16",
    "Bring the report of an attack on it (SACRO-ML), or release coefficients as a table.";
D001 = "AL-D001" Hold: "a notebook",
    "Its outputs hold tables and pictures, also of deleted cells.", "standards AL-D001",
    "Export the code as .py, and each result as its own file.";
D002 = "AL-D002" Hold: "pictures or files embedded in text",
    "A viewer shows them, a reader of the text does not.", "standards AL-D002",
    "Release them as files of their own.";
D003 = "AL-D003" Block: "an office document with macros, embedded objects, pivot caches or external links",
    "They hold the data behind what is shown.", "standards AL-D003",
    "Save as CSV or Markdown.";
D004 = "AL-D004" Block: "a PDF with attachments, scripts or launch actions",
    "They hold more than what is shown.", "standards AL-D004",
    "Export the pages as PNG, or the text as Markdown.";
D005 = "AL-D005" Hold: "HTML or SVG with scripts or remote references",
    "What is shown is decided elsewhere, and opening it calls there.", "standards AL-D005",
    "Save as Markdown or PNG.";
N002 = "AL-N002" Hold: "a program, library, installable package or container image; on import also a pickle",
    "Results are not programs. What comes in and runs as it is, somebody must know.", "standards AL-N002",
    "Release, or bring, source code; packages come as an image.";
}
