interface Props<T extends string> {
  readonly legend: string;
  readonly options: readonly T[];
  readonly chosen: readonly T[];
  readonly onChange: (chosen: readonly T[]) => void;
  readonly nameOf?: (option: T) => string;
}

/** Several of many. */
export function Choices<T extends string>({
  legend,
  options,
  chosen,
  onChange,
  nameOf = (option) => option,
}: Props<T>) {
  return (
    <fieldset className="choices">
      <legend>{legend}</legend>
      {options.map((option) => (
        <label key={option}>
          <input
            type="checkbox"
            checked={chosen.includes(option)}
            onChange={({ target }) =>
              onChange(target.checked ? [...chosen, option] : chosen.filter((other) => other !== option))
            }
          />
          {nameOf(option)}
        </label>
      ))}
    </fieldset>
  );
}
