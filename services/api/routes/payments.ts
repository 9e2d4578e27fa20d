import { z } from 'zod'
import { user } from '../auth/guards.ts'
import { route } from '../route.ts'

/** For the web app's profile page. There is nothing to buy, so the list is always empty. */
const Products = z
  .object({ products: z.array(z.unknown()).max(0).meta({ description: 'Always empty: nothing costs anything' }) })
  .meta({ id: 'Products' })

export const paymentRoutes = [
  route(
    'GET',
    '/v2/payments/products',
    { summary: 'List what there is to buy: nothing', auth: user, answers: { 200: Products } },
    async () => ({ products: [] }),
  ),
]
