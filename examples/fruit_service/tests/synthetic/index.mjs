// Fills a basket as a customer does; CloudWatch Synthetics runs it, and fails it when it throws.
import { synthetics } from "@amzn/synthetics-playwright";

const LIMIT_MS = 10_000;

export async function handler() {
  try {
    const browser = await synthetics.launch();
    const page = await synthetics.newPage(browser);
    await page.goto(process.env.BASE_URL, { timeout: LIMIT_MS });
    await page.fill("#apple", "2", { timeout: LIMIT_MS });
    await page.fill("#plum", "1", { timeout: LIMIT_MS });
    // 2 x 30 and 1 x 20 cents; throws when it is not there in time.
    await page.waitForSelector('#total:text-is("80")', { timeout: LIMIT_MS });
  } finally {
    await synthetics.close();
  }
}
