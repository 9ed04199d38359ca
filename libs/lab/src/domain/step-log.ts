/** The start of a log says what was tried, its end what came of it: of each so much is kept. */
const KEPT_CHARACTERS = 100_000;

/** What a step printed, bounded: a patch that prints for ever fills nobody's memory. */
export class StepLog {
  private head = '';
  private tail = '';
  private lost = 0;

  constructor(private readonly kept = KEPT_CHARACTERS) {}

  add(text: string): void {
    const room = Math.max(0, this.kept - this.head.length);
    this.head += text.slice(0, room);
    this.tail += text.slice(room);
    // Cut only now and then: each cut copies what is kept.
    if (this.tail.length > 2 * this.kept) this.cut();
  }

  get text(): string {
    this.cut();
    return this.lost === 0 ? this.head + this.tail : `${this.head}\n[${this.lost} characters left out]\n${this.tail}`;
  }

  private cut(): void {
    const over = this.tail.length - this.kept;
    if (over <= 0) return;
    this.lost += over;
    this.tail = this.tail.slice(over);
  }
}
