/** Restaurants that are made up from the name of the city: the same ones each time, in every city of the world. */
export interface Offer {
  restaurantId: string;
  name: string;
  /** For the whole party. */
  depositCents: number;
}

export interface Wish {
  city: string;
  partySize: number;
}

const houses = [
  { name: "Golden Carp", depositCentsPerGuest: 1_500 },
  { name: "Old Mill", depositCentsPerGuest: 1_000 },
  { name: "Three Lemons", depositCentsPerGuest: 800 },
];
const seatsMax = 20;

/** The best first; none for a party that no table is large enough for. */
export function offersFor({ city, partySize }: Wish): Offer[] {
  if (partySize > seatsMax) return [];
  return houses.map(({ name, depositCentsPerGuest }, index) => ({
    restaurantId: `rst_${slug(city)}_${index + 1}`,
    name: `${name}, ${city}`,
    depositCents: depositCentsPerGuest * partySize,
  }));
}

function slug(city: string): string {
  return encodeURIComponent(city.toLowerCase()).replaceAll(/[^a-z0-9]+/g, "-");
}
