import { describe, expect, it } from 'vitest';
import { checkPassword, PASSWORD_MAX, PASSWORD_MIN, PasswordRefused } from './password-rules.js';

const about = ['Ada Example', 'ada.example@north.example', 'North Consulting'];
const GOOD = 'seven lamps under dark water';

describe('a password', () => {
  it('may be a few unrelated words, in any kind of characters', () => {
    for (const password of [GOOD, 'korrekt pferd batterie klammer', 'смородина лодка вечер игла', 'kT9#wq2!Zp0vLm'])
      expect(() => checkPassword(password, about), password).not.toThrow();
  });

  it.each([
    ['too short', 'kT9#wq2!Zp0'],
    ['common', 'password1234'],
    ['common, with digits for letters', 'P4ssw0rd1234'],
    ['a walk on the keyboard', 'qwertyuiop12'],
    ['one character', 'aaaaaaaaaaaaaaaaaaaaaaaa'],
    ['a date', '12.11.1987!!'],
    ['our name', 'vouchvouchvouch'],
    ['the name in another case', 'ADA example 7#kQ wolf'],
    ['the address', `${GOOD} ada.example@north.example`],
    ['what stands before the @', `${GOOD} ada.example`],
    ['the organisation', `north consulting ${GOOD}`],
  ])('is refused: %s', (_why, password) => {
    expect(() => checkPassword(password, about)).toThrow(PasswordRefused);
  });

  it('is measured in characters, not in what they are stored as', () => {
    const eleven = '🎈🎲🧭🪐🥁🛶🧩🪁🎻🧊🪵';
    expect(eleven.length).toBeGreaterThan(PASSWORD_MIN);
    expect(() => checkPassword(eleven, [])).toThrow(`at least ${PASSWORD_MIN}`);
    expect(() => checkPassword(eleven.repeat(11), [])).not.toThrow(`at most ${PASSWORD_MAX}`);
    expect(() => checkPassword(eleven.repeat(12), [])).toThrow(`at most ${PASSWORD_MAX}`);
  });

  it('is not refused for an empty or short word known of the person', () => {
    expect(() => checkPassword(GOOD, ['', 'da', 'dark'])).not.toThrow();
  });
});
