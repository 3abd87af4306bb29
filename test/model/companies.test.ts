import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type CompanyChange, checkCompany, domainOf, foldCompany } from '../../src/model/companies.ts'
import { checkContactDomain, checkCustomerRules } from '../../src/model/company-rules.ts'
import { isCountry } from '../../src/model/countries.ts'
import { loadPhoneCheck } from '../../src/model/phone.ts'

const isPhone = await loadPhoneCheck()

function pathsOf(change: CompanyChange, country: string | null = 'PT'): string[] {
  return checkCompany(change, { country, isPhone }).map(({ path }) => path)
}

function rulePathsOf(change: CompanyChange): string[] {
  return checkCustomerRules(change).map(({ path }) => path)
}

describe('companies', () => {
  test('a country is a code of ISO 3166-1 alpha-2, in either letter case', () => {
    for (const code of ['PT', 'pt', 'AQ', 'GB', 'ZW']) assert.equal(isCountry(code), true, code)
    for (const code of ['', 'P', 'PRT', 'UK', 'EU', 'XX', 'ß']) assert.equal(isCountry(code), false, code)
    assert.deepEqual(foldCompany({ country: 'pt', city: 'a' }), { country: 'PT', city: 'a' })
  })

  test('a phone number is a national one of the country, or an international one', () => {
    for (const [phone, country] of [
      ['912 345 678', 'PT'],
      ['+351 912 345 678', 'PT'],
      ['+44 20 7946 0958', 'PT'],
      ['(425) 555-0100', 'US'],
      ['+672 1 23456', 'AQ'],
      ['+49 30 901820', null],
    ] as const)
      assert.deepEqual(pathsOf({ phone }, country), [], `${phone} in ${country}`)
    for (const [phone, country] of [
      ['123', 'PT'],
      ['555-0100', 'US'],
      ['call me', 'PT'],
      ['912345678', null],
      ['912345678', 'AQ'],
      ['tel: 912345678', 'PT'],
      ['', 'PT'],
    ] as const)
      assert.deepEqual(pathsOf({ phone }, country), ['phone'], `${phone} in ${country}`)
  })

  test('texts have their lengths, and nothing that a store cannot hold', () => {
    assert.deepEqual(pathsOf({ city: 'x'.repeat(255), zip: 'x'.repeat(30), addressLine2: null }), [])
    assert.deepEqual(pathsOf({ city: 'x'.repeat(256) }), ['city'])
    assert.deepEqual(pathsOf({ zip: 'x'.repeat(31) }), ['zip'])
    assert.deepEqual(pathsOf({ state: 'a\u0000' }), ['state'])
    assert.deepEqual(pathsOf({ companyName: ' ', country: 'XX', email: 'no' }), [
      'email',
      'companyName',
      'country',
    ])
    assert.deepEqual(pathsOf({ country: null }), ['country'])
  })

  test('the domain of an address is compared in its ASCII form', () => {
    assert.equal(domainOf('Ada@BÜCHER.example'), 'xn--bcher-kva.example')
    assert.equal(domainOf(null), null)
  })
})

describe('rules for customers', () => {
  test('a company has a name that says something', () => {
    for (const companyName of [
      'X',
      '!!!',
      '- & -',
      'A B C',
      'a b',
      'LLC',
      'l.l.c.',
      'Pty Ltd',
      'aaa',
      'ÄÄÄä',
      '1 1',
    ])
      assert.deepEqual(rulePathsOf({ companyName }), ['companyName'], companyName)
    for (const companyName of ['3M', 'AA', 'Aaa Company', 'Acme LLC', '東京', 'A B Company', 'E.ON', 'SAS'])
      assert.deepEqual(rulePathsOf({ companyName }), [], companyName)
  })

  test('a contact has the name of a person', () => {
    for (const firstName of ['A', 'test', 'ADMIN', 'Nobody', '123', '!?', '😀😀', '', ' ', 'x'.repeat(41)])
      assert.deepEqual(rulePathsOf({ firstName }), ['firstName'], firstName)
    for (const firstName of ['李', 'Al', 'Testa', "O'Brien 2", 'x'.repeat(40), null])
      assert.deepEqual(rulePathsOf({ firstName }), [], String(firstName))
    assert.deepEqual(rulePathsOf({ middleName: 'J', lastName: 'J' }), ['lastName'])
    assert.deepEqual(rulePathsOf({ middleName: 'admin' }), ['middleName'])
  })

  test("a contact's address is not at microsoft.com, nor in the domain of the reseller", () => {
    const domains = ['reseller.example', 'portal.other.example']
    assert.deepEqual(rulePathsOf({ email: 'a@Microsoft.com' }), ['email'])
    for (const email of ['a@RESELLER.example', 'a@mail.reseller.example'])
      assert.equal(checkContactDomain(email, domains).length, 1, email)
    for (const email of ['a@other.example', 'a@notreseller.example', 'a@microsoft.com.example', null])
      assert.deepEqual([...rulePathsOf({ email }), ...checkContactDomain(email, domains)], [], String(email))
  })
})
