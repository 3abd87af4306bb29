import { jsonOf, type send } from '../testing/http.ts'

/** Calls a path with GET. */
export type Call = (path: string) => ReturnType<typeof send>

/** Who reads: `reseller` has 9,000 users, `largeReseller` ten times as many, and `largeCustomer` most of them. */
export interface Readers {
  readonly provider: Call
  readonly reseller: Call
  readonly largeReseller: Call
  readonly customer: Call
  readonly largeCustomer: Call
}

/** A list or a single read, and who reads it. */
export interface List {
  readonly name: string
  readonly reader: keyof Readers
  readonly path: string
}

type Named = readonly (readonly [name: string, path: string])[]

/** The lists of users that a provider and a reseller read; `last` is the number of the last page of all users. */
const listsOfUsers = (last: number): Named => [
  ['all, first page', ''],
  ['all, page 100', 'pageNumber=100'],
  ['all, the middle', `pageNumber=${Math.max(1, last >> 1)}`],
  ['all, last page', `pageNumber=${last}`],
  ['all, downwards', 'ascendingOrder=false'],
  ['all by e-mail', 'sortPropertyName=Email'],
  ['all by e-mail, downwards', 'sortPropertyName=Email&ascendingOrder=false'],
  ['all by e-mail, the middle', `sortPropertyName=Email&pageNumber=${Math.max(1, last >> 1)}`],
  ['100 of all', 'pageSize=100'],
  ['500 of all', 'pageSize=500'],
  ['2,000 of all', 'pageSize=2000'],
  ['2,000 of all, the middle', `pageSize=2000&pageNumber=${Math.max(1, Math.floor(last / 160))}`],
  ['search, three letters of many', 'searchValue=ann'],
  ['search, three letters of few', 'searchValue=xyz'],
  ['search, a name of many', 'searchValue=johnson'],
  ['search, a name of many, by e-mail', 'searchValue=johnson&sortPropertyName=Email'],
  ['search, a first name of many', 'searchValue=tony'],
  ['search, a first name of many, by e-mail', 'searchValue=tony&sortPropertyName=Email'],
  ['search, a name of many, downwards', 'searchValue=johnson&ascendingOrder=false'],
  ['search, a name of many, page 40', 'searchValue=johnson&pageNumber=40'],
  ['search, a name of many, page 1,000', 'searchValue=johnson&pageNumber=1000'],
  ['search, a name of many, a page of 2,000', 'searchValue=johnson&pageSize=2000'],
  ['search, two words', 'searchValue=ada%20lovelace-hopper'],
  ['search, two words by e-mail', 'searchValue=ada%20lovelace-hopper&sortPropertyName=Email'],
  ['search, two words of many', 'searchValue=anna%20schmidt'],
  ['search, two words of many that few have', 'searchValue=example%20lovelace-hopper'],
  ['search, three words of many', 'searchValue=example%20ann%20smith'],
  ['search, letters of nobody', 'searchValue=xyzzy'],
  ['search, words that nobody has together', 'searchValue=ada%20grace%20johnson'],
  ['search, in everybody', 'searchValue=example'],
  ['search, in everybody, page 100', 'searchValue=example&pageNumber=100'],
  ['search, in everybody, the middle', `searchValue=example&pageNumber=${Math.max(1, last >> 1)}`],
  ['search, in everybody, past the last page', 'searchValue=example&pageNumber=50000'],
  ['groups, that of most', 'groups=Viewer'],
  ['groups, that of most, page 1,000', 'groups=Viewer&pageNumber=1000'],
  ['groups, a common one', 'groups=Administrator'],
  ['groups, a common one, by e-mail', 'groups=Administrator&sortPropertyName=Email'],
  ['groups, a common one, page 1,000', 'groups=Administrator&pageNumber=1000'],
  ['groups, one without members', 'groups=Alert%20Manager'],
  ['groups, all three', 'groups=Administrator%7CViewer%7CAlert%20Manager'],
  ['groups and search, both common', 'groups=Administrator&searchValue=grace'],
  ['groups and search, nobody has both', 'groups=Administrator&searchValue=xyzzy'],
  ['groups and search, an empty group', 'groups=Alert%20Manager&searchValue=grace'],
  ['groups and search, two words', 'groups=Administrator&searchValue=ada%20lovelace'],
  ['deleted users', 'state=deleted'],
  ['deleted users, page 100', 'state=deleted&pageNumber=100'],
  ['deleted users, by e-mail', 'state=deleted&sortPropertyName=Email'],
  ['deleted users, search', 'state=deleted&searchValue=johnson'],
  ['changed, since the beginning', 'changedSince=2000-01-01T00:00:00Z'],
  ['changed, in the last minute', `changedSince=${new Date(Date.now() - 60_000).toISOString()}`],
]

const listsOfCompanies = (): Named => [
  ['customers, first page', '/v1/Customers'],
  ['customers, the middle', '/v1/Customers?pageNumber=200'],
  ['customers, downwards', '/v1/Customers?ascendingOrder=false'],
  ['customers, a page of 2,000', '/v1/Customers?pageSize=2000'],
  ['customers, search of one', '/v1/Customers?searchValue=customer%207777'],
  ['customers, search of many', '/v1/Customers?searchValue=customer%207'],
  ['customers, search of all, the middle', '/v1/Customers?searchValue=cus&pageNumber=200'],
  ['customers, search of nobody', '/v1/Customers?searchValue=xyzzy'],
  ['customers, by domain', '/v1/Customers?searchField=Domain&searchValue=example'],
  ['customers, by identifier', '/v1/Customers?searchField=InternalIdentifier&searchValue=abc'],
  ['customers, by tenant', '/v1/Customers?searchField=ProviderCustomerId&searchValue=abc'],
  ['customers, without deleted ones', '/v1/Customers?includeDeleted=false&pageNumber=200'],
]

/** The end of the interval and the page are those of the names that `load-audit.ts` gives. */
function listsOfEntries(): Named {
  const day = (before: number): string => new Date(Date.now() - before * 86_400_000).toISOString()
  const lists: Named = [
    ['all', ''],
    ['page 100', 'PageNumber=100'],
    ['page 30,000', 'PageNumber=30000'],
    ['a page of 500', 'PageSize=500'],
    ['a page of 2,000', 'PageSize=2000'],
    ['a day', `StartDate=${day(10)}&EndDate=${day(9)}`],
    ['an operation that most have', 'Operations=CreateUser'],
    ['an operation that most have, page 20,000', 'Operations=CreateUser&PageNumber=20000'],
    ['a rare operation', 'Operations=DeleteUser'],
    ['two operations', 'Operations=DeleteUser%7CUpdateUser'],
    ...['Failed', 'Processing', 'Succeded'].map((status) => [status, `Status=${status}`] as const),
    ['Failed, page 200', 'Status=Failed&PageNumber=200'],
    ['Succeded, page 10,000', 'Status=Succeded&PageNumber=10000'],
    ['one customer', 'Customer=customer%207770'],
    ['a thousand customers', 'Customer=customer%207'],
    ['all customers', 'Customer=customer'],
    ['all customers, page 300', 'Customer=customer&PageNumber=300'],
    ['one reseller', 'Reseller=reseller%209'],
    ['all resellers', 'Reseller=reseller'],
    ['all filters', 'Customer=customer&Reseller=reseller&Operations=CreateUser&Status=Failed'],
    ['filters that no entry has', 'Customer=customer%207&Operations=DeleteUser&Status=Failed'],
  ]
  return lists.map(([name, query]) => [`audit, ${name}`, `/v1/AuditLogs?${query}`])
}

/** Lists everything that the bench reads. The readers find the pages and the users in the middle. */
export async function listLists(
  readers: Readers,
  organizations: Readonly<Record<keyof Readers, string>>,
): Promise<readonly List[]> {
  const lists: List[] = []
  const add = (reader: keyof Readers, named: Named, as: string): void => {
    for (const [name, path] of named) lists.push({ name: `${as}: ${name}`, reader, path })
  }
  for (const [reader, as] of [
    ['provider', 'provider'],
    ['reseller', 'reseller'],
    ['largeReseller', 'large reseller'],
  ] as const) {
    const { totalPages: last } = jsonOf<{ totalPages: number }>(await readers[reader]('/v1'))
    const middle = await readers[reader](`/v1?pageNumber=${Math.max(1, last >> 1)}`)
    const [user] = jsonOf<{ items: { id: string; email: string }[] }>(middle).items
    const { id = '', email = '' } = user ?? {}
    const ofUsers = listsOfUsers(last).map(([name, query]) => [name, `/v1?${query}`] as const)
    add(reader, singleReads(id, email), as)
    add(reader, ofUsers, as)
    add(reader, [['search, one person', `/v1?searchValue=${encodeURIComponent(email)}`]], as)
    add(reader, listsOfCompanies(), as)
    add(reader, listsOfEntries(), as)
  }
  const { reseller, largeCustomer, customer } = organizations
  add(
    'provider',
    [
      ['a reseller’s context', `/v1?resellerId=${reseller}`],
      ['a reseller’s context, search', `/v1?resellerId=${reseller}&searchValue=turing`],
      ['resellers', '/v1/Resellers'],
      ['resellers, search', '/v1/Resellers?searchValue=reseller%207'],
      ['resellers of a customer', `/v1/Resellers?customerId=${largeCustomer}`],
      ['customers of a reseller', `/v1/Customers?resellerId=${reseller}`],
      ['one customer', `/v1/Customers/${largeCustomer}`],
      ['one reseller', `/v1/Resellers/${reseller}`],
      ['groups', '/v1/users/groups'],
      ['audit, as a reseller', `/v1/AuditLogs?resellerId=${reseller}`],
    ],
    'provider',
  )
  const array = await readers.customer(`/v1/customer/${customer}/users`)
  const [own] = jsonOf<{ id: string; email: string }[]>(array)
  add('customer', singleReads(own?.id ?? '', own?.email ?? ''), 'customer')
  add('customer', [['the array of all 90 users', `/v1/customer/${customer}/users`]], 'customer')
  return lists
}

function singleReads(id: string, email: string): Named {
  return [
    ['one user by id', `/v1/users/${id}`],
    ['one user by e-mail', `/v1/users/${encodeURIComponent(email)}`],
  ]
}
