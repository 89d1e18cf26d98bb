/** Cities and countries that people ask the time of, in lower case, with their IANA zones. */
const ZONES: Record<string, string> = {
  amsterdam: "Europe/Amsterdam",
  athens: "Europe/Athens",
  auckland: "Pacific/Auckland",
  australia: "Australia/Sydney",
  bangkok: "Asia/Bangkok",
  barcelona: "Europe/Madrid",
  beijing: "Asia/Shanghai",
  berlin: "Europe/Berlin",
  bogota: "America/Bogota",
  boston: "America/New_York",
  brussels: "Europe/Brussels",
  "buenos aires": "America/Argentina/Buenos_Aires",
  cairo: "Africa/Cairo",
  california: "America/Los_Angeles",
  "cape town": "Africa/Johannesburg",
  chicago: "America/Chicago",
  china: "Asia/Shanghai",
  copenhagen: "Europe/Copenhagen",
  delhi: "Asia/Kolkata",
  denver: "America/Denver",
  dubai: "Asia/Dubai",
  dublin: "Europe/Dublin",
  england: "Europe/London",
  france: "Europe/Paris",
  frankfurt: "Europe/Berlin",
  germany: "Europe/Berlin",
  gmt: "UTC",
  hamburg: "Europe/Berlin",
  hawaii: "Pacific/Honolulu",
  helsinki: "Europe/Helsinki",
  "hong kong": "Asia/Hong_Kong",
  honolulu: "Pacific/Honolulu",
  india: "Asia/Kolkata",
  istanbul: "Europe/Istanbul",
  italy: "Europe/Rome",
  jakarta: "Asia/Jakarta",
  japan: "Asia/Tokyo",
  jerusalem: "Asia/Jerusalem",
  johannesburg: "Africa/Johannesburg",
  kathmandu: "Asia/Kathmandu",
  kolkata: "Asia/Kolkata",
  kyiv: "Europe/Kyiv",
  lagos: "Africa/Lagos",
  lima: "America/Lima",
  lisbon: "Europe/Lisbon",
  london: "Europe/London",
  "los angeles": "America/Los_Angeles",
  madrid: "Europe/Madrid",
  manila: "Asia/Manila",
  melbourne: "Australia/Melbourne",
  "mexico city": "America/Mexico_City",
  miami: "America/New_York",
  milan: "Europe/Rome",
  montreal: "America/Toronto",
  moscow: "Europe/Moscow",
  mumbai: "Asia/Kolkata",
  munich: "Europe/Berlin",
  nairobi: "Africa/Nairobi",
  "new delhi": "Asia/Kolkata",
  "new york": "America/New_York",
  oslo: "Europe/Oslo",
  paris: "Europe/Paris",
  perth: "Australia/Perth",
  prague: "Europe/Prague",
  "rio de janeiro": "America/Sao_Paulo",
  riyadh: "Asia/Riyadh",
  rome: "Europe/Rome",
  "san francisco": "America/Los_Angeles",
  santiago: "America/Santiago",
  "sao paulo": "America/Sao_Paulo",
  seattle: "America/Los_Angeles",
  seoul: "Asia/Seoul",
  shanghai: "Asia/Shanghai",
  singapore: "Asia/Singapore",
  spain: "Europe/Madrid",
  stockholm: "Europe/Stockholm",
  sydney: "Australia/Sydney",
  taipei: "Asia/Taipei",
  tehran: "Asia/Tehran",
  "tel aviv": "Asia/Jerusalem",
  tokyo: "Asia/Tokyo",
  toronto: "America/Toronto",
  uk: "Europe/London",
  utc: "UTC",
  vancouver: "America/Vancouver",
  vienna: "Europe/Vienna",
  warsaw: "Europe/Warsaw",
  washington: "America/New_York",
  zurich: "Europe/Zurich",
};

const ZONE_NAME =
  /\b(?:Africa|America|Antarctica|Asia|Atlantic|Australia|Europe|Indian|Pacific)\/[A-Za-z_]+(?:\/[A-Za-z_]+)?/g;

/** A place that a text names, with its zone. */
export interface NamedPlace {
  /** As a person writes it: `New York`, `UTC`, or the zone itself. */
  place: string;
  zone: string;
}

/** Every known place in `text`, in the order of the text, each zone once. Zone names count as places. */
export function placesIn(text: string): NamedPlace[] {
  const found: { index: number; place: string; zone: string }[] = [];
  const plain = text.normalize("NFD").replaceAll(/\p{Mn}/gu, "");
  for (const match of plain.matchAll(ZONE_NAME)) found.push({ index: match.index, place: match[0], zone: match[0] });
  const lower = plain.replaceAll(ZONE_NAME, (zone) => "_".repeat(zone.length)).toLowerCase();
  for (const [name, zone] of Object.entries(ZONES)) {
    const index = lower.search(new RegExp(`(?<![a-z])${name}(?![a-z])`));
    if (index >= 0) found.push({ index, place: titleCase(name), zone });
  }
  found.sort((a, b) => a.index - b.index || b.place.length - a.place.length);
  const zones = new Set<string>();
  return found.filter(({ zone }) => !zones.has(zone) && zones.add(zone)).map(({ place, zone }) => ({ place, zone }));
}

function titleCase(name: string): string {
  if (name.length <= 3) return name.toUpperCase();
  return name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase());
}
