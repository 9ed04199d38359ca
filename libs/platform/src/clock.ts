/** The time, passed in, so that tests say what time it is. */
export type Clock = () => Date;
export const systemClock: Clock = () => new Date();
