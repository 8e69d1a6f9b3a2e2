//! All pages of a query.

use aws_errors::store_error;
use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::ReturnConsumedCapacity;
use tables::StoreError;

use crate::attribute::RawItem;

/// The items of all pages, and the read units that reading them consumed.
pub(crate) async fn pages(query: QueryFluentBuilder) -> Result<(Vec<RawItem>, f64), StoreError> {
    let query = query.return_consumed_capacity(ReturnConsumedCapacity::Total);
    let (mut items, mut read_units) = (Vec::new(), 0.0);
    let mut pages = query.into_paginator().send();
    while let Some(page) = pages.try_next().await.map_err(store_error)? {
        read_units += page.consumed_capacity.and_then(|one| one.capacity_units).unwrap_or_default();
        items.extend(page.items.unwrap_or_default());
    }
    Ok((items, read_units))
}
