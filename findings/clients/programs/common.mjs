// What the programs in JavaScript share: where they connect, and how they say what they see.
export const URL = process.argv[2];
// Whether to do what the line of the table says; otherwise a program does what its library's own first page shows.
export const WITH_LINE = process.argv.length > 3;
export const SECONDS = Number(process.env.SECONDS ?? 10);

export function read(text) {
  const message = JSON.parse(text);
  if (message.type === "board") say(`board of ${message.rates.length}`);
}

export function say(...words) {
  console.log(...words.filter(Boolean));
}
